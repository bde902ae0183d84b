# A class whose learners come from an LMS, such as Canvas or Moodle, by LTI 1.3; their scores go
# back to it.
# docs/teaching.md goes through it.  Run as root:  .venv/bin/jupyterhub -f jupyterhub_config_lti.py
from labs.jupyter import hub

c = get_config()  # noqa: F821  JupyterHub gives it
hub.configure(c, memory=None, cpu=None, idle=3600)
hub.class_folders(c, "/srv/vrrp-lab/class")
hub.lti(
    c,
    issuer="https://lms.example.org",
    client_id="10000000000001",
    authorize_url="https://lms.example.org/api/lti/authorize_redirect",
    jwks_url="https://lms.example.org/api/lti/security/jwks",
    launches="/var/lib/vrrp-lab/launches",
)
c.Authenticator.admin_users = {"teacher@example.org"}
c.JupyterHub.bind_url = "https://:443"
c.JupyterHub.ssl_cert = "/etc/ssl/certs/class.pem"
c.JupyterHub.ssl_key = "/etc/ssl/private/class.key"
c.JupyterHub.db_url = "sqlite:////var/lib/vrrp-lab/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/var/lib/vrrp-lab/cookie_secret"
