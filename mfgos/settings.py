"""The one settings file. Everything that differs between machines comes from the environment (see docs/settings.md).

Nothing is started here: a local database address is computed, the supervisor starts the server behind it.
"""

from __future__ import annotations

import hashlib
import tomllib
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import psycopg.conninfo
from django.utils.translation import gettext_lazy as _

from mfgos.environment import Environment, refusal
from mfgos.supervisor import address, cluster

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment()
PRODUCT_VERSION: str = tomllib.loads((BASE_DIR / "pyproject.toml").read_text())["project"]["version"]

# ---- what kind of run this is

DEMO = env.flag("MFGOS_DEMO", default=not env.text("DATABASE_URL"))
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY") or (
    hashlib.sha256(f"local:{BASE_DIR}:{cluster.identity(BASE_DIR)}".encode()).hexdigest() if DEMO else ""
)
if not SECRET_KEY:
    raise refusal("E004", "SECRET_KEY is not set", "set SECRET_KEY to 50 or more random characters, kept secret")
# Former keys, so that a new one does not end what hangs on it: sessions, and PINs, which are peppered with it.
SECRET_KEY_FALLBACKS = env.names("SECRET_KEY_FALLBACKS", [])
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]", *address.name_of(env.text("HOST"))])

# Whether processes share a movable clock (tests, demos) or read the machine's.
CLOCK = env.choice("MFGOS_CLOCK", "real", ["real", "shared"])

# A database that may lose everything at a crash: the tests' own, without fsync. Never data of anybody.
VOLATILE = env.flag("MFGOS_VOLATILE", default=False)

# ---- applications

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "channels",
    "pgtrigger",
    "simple_history",
    "django_fsm",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "apps.core",
    "apps.plant",
    "apps.workflows",
    "apps.andon",
    "apps.equipment",
    "apps.materials",
    "apps.orders",
    "apps.labor",
    "apps.shifts",
    "apps.erp_sync",
    "apps.floor",
]
# A tiny app that only tests install (tests/environment.py).
INSTALLED_APPS += env.names("MFGOS_TEST_APPS", [])
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.core.middleware.OneLookMiddleware",
    "apps.core.middleware.ActorMiddleware",
    "apps.plant.middleware.DeskUserMiddleware",
    "apps.plant.middleware.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "mfgos.urls"
ASGI_APPLICATION = "mfgos.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# ---- database: DATABASE_URL, or the cluster beside the checkout. Web and worker are mfgos_app, migrations mfgos_owner.

DB_ROLE = env.choice("MFGOS_DB_ROLE", "app", ["app", "owner"])


def database(url: str) -> dict[str, Any]:
    """Django's form of a PostgreSQL URL.  Raises ImproperlyConfigured for anything else."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise refusal(
            "E005", "DATABASE_URL is no PostgreSQL address", "write postgresql://user:password@host:5432/name"
        )
    try:
        parts: dict[str, Any] = dict(psycopg.conninfo.conninfo_to_dict(url))
    except psycopg.ProgrammingError as error:
        raise refusal(
            "E005",
            f"DATABASE_URL can't be read ({str(error).strip()})",
            "write postgresql://user:password@host:5432/name",
        ) from error
    address = {key.upper(): parts.pop(name, "") for key, name in _ADDRESS.items()}
    return {"ENGINE": "django.db.backends.postgresql", **address, "OPTIONS": parts}


_ADDRESS = {"name": "dbname", "user": "user", "password": "password", "host": "host", "port": "port"}
_app_url = env.text("DATABASE_URL") or cluster.url(BASE_DIR, user="mfgos_app")
_owner_url = env.text("DATABASE_OWNER_URL") or env.text("DATABASE_URL") or cluster.url(BASE_DIR, user="mfgos_owner")
DATABASES = {"default": database(_owner_url if DB_ROLE == "owner" else _app_url)}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = False
# Of what is bound by the server only (apps.core.prepared): Django binds all else itself.
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 2
if env.flag("MFGOS_DB_POOL", default=False):
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": 2, "max_size": 20, "timeout": 10}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- language and time: UTC inside, the site's zone on screens

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
FORMAT_MODULE_PATH = ["mfgos.formats"]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# ---- files

STATIC_URL = "static/"
# What was compressed for one way of serving would be sent in place of newer files of the other.
STATIC_ROOT = BASE_DIR / ".cache" / "static" if VOLATILE else BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_ROOT.exists() and not VOLATILE
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

# ---- security

AUTH_USER_MODEL = "plant.Person"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = ["apps.plant.backends.PersonBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
HTTPS = env.flag("MFGOS_HTTPS", default=not DEMO or bool(env.text("TLS_CERT")))
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
# A demo shown over TLS once must not bind its name to TLS for a year.
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS and not DEMO else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and not DEMO
SESSION_ENGINE = "apps.plant.session_store"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "mfgos_session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "mfgos_csrf"
X_FRAME_OPTIONS = "DENY"

# ---- ways out: who is told of exceptions

# What leads from a message back to the plant's own pages; without it messages name the page alone.
BASE_URL = env.text("MFGOS_BASE_URL").rstrip("/")
if not BASE_URL and DEMO:
    BASE_URL = f"{'https' if HTTPS else 'http'}://{env.text('HOST', '127.0.0.1')}:{env.text('PORT', '8000')}"
if BASE_URL and not BASE_URL.startswith(("http://", "https://")):
    raise refusal("E007", f"MFGOS_BASE_URL is {BASE_URL!r}", "set MFGOS_BASE_URL to https://mfgos.plant.example")
EMAIL_HOST = env.text("EMAIL_HOST")
_mail_tls = env.choice("EMAIL_TLS", "starttls", ["starttls", "implicit", "none"])
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail_tls == "starttls", _mail_tls == "implicit"
EMAIL_PORT = env.integer("EMAIL_PORT", {"starttls": 587, "implicit": 465, "none": 25}[_mail_tls], low=1, high=65_535)
EMAIL_HOST_USER = env.text("EMAIL_USER")
EMAIL_HOST_PASSWORD = env.text("EMAIL_PASSWORD")
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM")
# Hosts that typed addresses may lead to without TLS, or though they are this machine.
WEBHOOK_HTTP_HOSTS = env.names("MFGOS_WEBHOOK_HTTP_HOSTS", [])
PUSH_KEY = env.text("MFGOS_PUSH_KEY")
PUSH_CONTACT = env.text(
    "MFGOS_PUSH_CONTACT", f"mailto:{parseaddr(DEFAULT_FROM_EMAIL)[1]}" if DEFAULT_FROM_EMAIL else ""
)
MQTT_URL = env.text("MFGOS_MQTT_URL")
SMS_PROVIDER = env.text("MFGOS_SMS_PROVIDER", "apps.andon.channels.sms.HttpProvider")
SMS_URL = env.text("MFGOS_SMS_URL")
SMS_HEADERS = env.table("MFGOS_SMS_HEADERS") or {}
SMS_BODY = env.table("MFGOS_SMS_BODY")

# ---- parts

# The history page would otherwise offer "revert": a save that passes all commands by.
SIMPLE_HISTORY_REVERT_DISABLED = True
# Nothing of the API is open: an address that says nothing about who may come in lets nobody in.
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.erp_sync.api.tokens.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.erp_sync.api.tokens.NobodyUnlessSaid"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.erp_sync.api.parsers.BoundedJSONParser"],
    "EXCEPTION_HANDLER": "apps.erp_sync.api.problems.answer_for",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "mfgos",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}
UNFOLD = {"SITE_TITLE": "mfgos", "SITE_HEADER": "mfgos"}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("LOG_LEVEL", "INFO")},
}
