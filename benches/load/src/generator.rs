//! The load generator: reads one turn a line (JSON) from standard input, answers one line (JSON) to each.

use crate::order::Order;
use crate::turn::Pool;
use std::io::{self, BufRead, Write};

/// Serves orders until standard input closes.
pub fn run() -> Result<(), String> {
    let mut pool = Pool::new().map_err(|error| format!("poll: {error}"))?;
    let mut output = io::stdout();
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| format!("standard input: {error}"))?;
        let order: Order = serde_json::from_str(&line).map_err(|error| format!("order: {error}: {line}"))?;
        let result = pool.turn(&order)?;
        let result = serde_json::to_string(&result).map_err(|error| error.to_string())?;
        writeln!(output, "{result}")
            .and_then(|()| output.flush())
            .map_err(|error| format!("standard output: {error}"))?;
    }
    Ok(())
}
