// An MCP server (npm `@modelcontextprotocol/sdk`) with one tool, which says who calls it. It knows nothing of tokens: that
// is for the proxy in front of it.
//
//   node server.mjs [--port N]
//
//   --port   0 or absent: a free port
//
// Prints `ready http://127.0.0.1:PORT/mcp` once it answers.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

const { values: options } = parseArgs({ options: { port: { type: 'string', default: '0' } } });

function orders() {
  const server = new McpServer({ name: 'orders', version: '1.0.0' });
  server.registerTool('whoami', { description: 'Says on whose behalf orders are read' }, ({ requestInfo: { headers } }) => {
    const caller = { user: headers['x-user'], client: headers['x-client-id'], token: headers.authorization };
    return { content: [{ type: 'text', text: JSON.stringify(caller) }] };
  });
  return server;
}

// Without sessions: each request has a server of its own.
async function answer(request, response) {
  if (request.url !== '/mcp' || request.method !== 'POST') {
    response.writeHead(request.url === '/mcp' ? 405 : 404).end();
    return;
  }
  const [server, transport] = [orders(), new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })];
  response.on('close', () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response);
}

const listening = createServer(answer).listen(Number(options.port), '127.0.0.1', () => {
  console.log(`ready http://127.0.0.1:${listening.address().port}/mcp`);
});
