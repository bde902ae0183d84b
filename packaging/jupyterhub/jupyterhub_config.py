# A class on a server of its own: JupyterHub, an account and a systemd unit for each learner.
# docs/teaching.md goes through it.  Run as root:  .venv/bin/jupyterhub -f jupyterhub_config.py
from labs.jupyter import hub

c = get_config()  # noqa: F821  JupyterHub gives it
hub.configure(c, memory="1G", cpu=2.0, idle=3600)
hub.system_accounts(c, group="learners", teachers=["teacher"])
c.JupyterHub.bind_url = "https://:443"
c.JupyterHub.ssl_cert = "/etc/ssl/certs/class.pem"
c.JupyterHub.ssl_key = "/etc/ssl/private/class.key"
c.JupyterHub.db_url = "sqlite:////var/lib/vrrp-lab/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "/var/lib/vrrp-lab/cookie_secret"
