"""A JupyterHub for a class. The tests run a class on this very file.

Copy it and nbgrader_config.py into a folder for the class, name the students below, and start `jupyterhub` there; the
hub's database, the exchange and the homes will lie in that folder. As it stands it is for trying out: one password for
all students, and one account of the machine for everybody, so that whoever opens a terminal reads everybody's files.
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821
CLASS = Path(__file__).resolve().parent

c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.Authenticator.allowed_users = {"ada", "ben"}
c.Authenticator.admin_users = {"teacher"}

c.Spawner.default_url = "/lab"
c.Spawner.environment = {
    "JUPYTER_CONFIG_PATH": str(CLASS),  # where nbgrader finds nbgrader_config.py
    "CLASS_EXCHANGE": str(CLASS / "exchange"),
    "OMP_NUM_THREADS": "1",  # many people share the cores
}
# A login shell would forget where the nbgrader command is; this opens a plain one.
c.Spawner.args = ["--ServerApp.terminado_settings={'shell_command': ['bash']}"]
c.Spawner.start_timeout = c.Spawner.http_timeout = 120  # seconds: many servers that start at once are slow
# Milliseconds until the proxy, Node's or Python's, gives up on an answer: the first git pull can take long.
c.ConfigurableHTTPProxy.command = ["configurable-http-proxy", "--proxy-timeout=600000"]

# For real users: other lines from here on; the teacher's guide says which.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ["CLASS_PASSWORD"]  # 8 characters or more
c.SharedPasswordAuthenticator.admin_password = os.environ["TEACHER_PASSWORD"]  # 32 characters or more
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(CLASS / "homes" / "{username}")
if os.geteuid() == 0:
    c.Spawner.args.append("--allow-root")  # as in a container
