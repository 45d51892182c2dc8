"""`django-oauth-toolkit` as an authorization server where anybody registers clients (RFC 7591, RFC 7592), in one file.

    python server.py [--port N]

Port 0, or none: a free one. Prints `ready URL` once it answers. The client `registry` may introspect, with the secret of
$DOT_SECRET. Everything is in a folder that goes when it ends.
"""

import argparse
import os
import tempfile
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--port", type=int, default=0)
options = parser.parse_args()
folder = tempfile.TemporaryDirectory()

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": Path(folder.name) / "db", "OPTIONS": {"timeout": 60}}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware"],
    OAUTH2_PROVIDER={
        "DCR_ENABLED": True,
        "DCR_REGISTRATION_PERMISSION_CLASSES": ("oauth2_provider.dcr.AllowAllDCRPermission",),
        "SCOPES": {"orders.read": "Read orders", "introspection": "Introspect", "oauth2_provider:registration": "Manage a registration"},
        "DEFAULT_SCOPES": ["orders.read"],
        "OIDC_ENABLED": False,
    },
    ROOT_URLCONF=__name__,
    SECRET_KEY=os.urandom(32).hex(),
    USE_TZ=True,
)
django.setup()

from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from oauth2_provider.models import get_application_model  # noqa: E402

urlpatterns = [path("", include("oauth2_provider.urls", namespace="oauth2_provider"))]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class Threaded(ThreadingMixIn, WSGIServer):
    daemon_threads = True


call_command("migrate", verbosity=0)
get_application_model().objects.create(
    client_id="registry", client_secret=os.environ["DOT_SECRET"], client_type="confidential",
    authorization_grant_type="client-credentials", name="registry")
server = make_server("127.0.0.1", options.port, get_wsgi_application(), server_class=Threaded, handler_class=Quiet)
print(f"ready http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
