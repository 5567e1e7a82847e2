"""A Docker engine and two images for the container tests, on a machine that reaches no registry of images.

The engine is the machine's own where one answers, else a private one, started with neither bridge nor packet filter and
ended with the tests. The images are made of the Debian packages and the Toxiproxy server that are installed here.
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from harness.environment.process import Child
from harness.environment.proxy.proxy import find_toxiproxy
from harness.waiting import wait_for

LIMIT_S = 120.0
BROKER_IMAGE = "harness-test-rabbitmq:installed"
PROXY_IMAGE = "harness-test-toxiproxy:installed"
# As the official image: settings in conf.d, the management plugin on, in the foreground.
_BROKER_FILES = {
    "etc/rabbitmq/enabled_plugins": "[rabbitmq_management].\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/hosts": "127.0.0.1 localhost\n",
}
_BROKER_COMMAND = (
    "mkdir -p /tmp /root /var/lib/rabbitmq /var/log/rabbitmq /etc/rabbitmq/conf.d;"
    " exec /usr/lib/rabbitmq/bin/rabbitmq-server"
)
_BROKER_SETTINGS = ("ENV HOME=/root", "ENV RABBITMQ_LOGS=-", f'CMD ["/bin/sh", "-c", "{_BROKER_COMMAND}"]')
_ESSENTIAL = ("dash", "coreutils", "sed", "grep", "hostname")  # what every script may use without depending on it
_LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/")


@contextlib.contextmanager
def docker_engine(log_folder: Path, env: dict[str, str]) -> Iterator[None]:
    """Have an engine answer this process's Docker clients and those of its children."""
    if _docker_answers():
        yield
        return
    # Not below pytest's own folders, which it clears by itself: an engine leaves a mount behind.
    folder = Path(tempfile.mkdtemp(prefix="docker-engine-"))
    try:
        with _private_engine(folder, log_folder, env):
            yield
    finally:
        subprocess.run(["umount", "--quiet", folder / "exec" / "netns" / "default"], capture_output=True, check=False)
        shutil.rmtree(folder)


@contextlib.contextmanager
def _private_engine(folder: Path, log_folder: Path, env: dict[str, str]) -> Iterator[None]:
    socket = folder / "docker.sock"
    options = [
        f"--data-root={folder / 'data'}",
        f"--exec-root={folder / 'exec'}",
        f"--pidfile={folder / 'pid'}",
        f"--host=unix://{socket}",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
    ]
    before = os.environ.get("DOCKER_HOST")
    with Child("dockerd", ["dockerd", *options], env, log_folder / "dockerd.log") as engine:
        os.environ["DOCKER_HOST"] = f"unix://{socket}"
        try:
            wait_for("the Docker engine to answer", _docker_answers, timeout_s=LIMIT_S, alive=engine.death)
            yield
        finally:
            os.environ.pop("DOCKER_HOST")
            if before is not None:
                os.environ["DOCKER_HOST"] = before


def make_broker_image() -> str:
    """Make the image of the RabbitMQ that is installed here; return its name."""
    files = [
        path
        for path in _package_files(_with_dependencies("rabbitmq-server", *_ESSENTIAL))
        if not path.startswith(_LEFT_OUT)
    ]
    _import(BROKER_IMAGE, ((path, path) for path in files), _BROKER_FILES, _BROKER_SETTINGS)
    return BROKER_IMAGE


def make_proxy_image() -> str:
    """Make the image of the Toxiproxy that is installed here; return its name."""
    binary = find_toxiproxy()
    assert binary is not None, "make setup builds Toxiproxy where Go is"
    libraries = re.findall(
        r"(/\S+) \(0x", subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    )
    files = [(str(binary), "/toxiproxy"), *((str(Path(path).resolve()), path) for path in libraries)]
    _import(PROXY_IMAGE, files, {"tmp/empty": ""}, ('ENTRYPOINT ["/toxiproxy"]',))
    return PROXY_IMAGE


def remove_images() -> None:
    """Remove both images, on an engine that outlives the tests."""
    subprocess.run(["docker", "rmi", "--force", BROKER_IMAGE, PROXY_IMAGE], capture_output=True, check=False)


def _docker_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(asked, capture_output=True, timeout=LIMIT_S, check=False).returncode == 0


def _with_dependencies(*packages: str) -> list[str]:
    """Return the installed packages that these need, themselves among them."""
    wanted, seen = [*packages], set[str]()
    while wanted:
        name = wanted.pop()
        shown = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}|${Pre-Depends},${Depends}", name],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        if name in seen or not shown.startswith("ii"):
            continue
        seen.add(name)
        wanted += re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9.+-]+)", shown.partition("|")[2])
    return sorted(seen)


def _package_files(packages: Iterable[str]) -> list[str]:
    listed = subprocess.run(["dpkg-query", "--listfiles", *packages], capture_output=True, text=True, check=True).stdout
    # A package may name a file through /lib or /bin, which are links on a merged system: they come last, as links.
    paths = {Path(line) for line in listed.splitlines() if line.startswith("/") and line.count("/") > 1}
    found = {str(path.parent.resolve() / path.name) for path in paths if path.is_symlink() or path.is_file()}
    return [*sorted(found), *(link for link in ("/bin", "/lib", "/lib64", "/sbin") if Path(link).is_symlink())]


def _import(image: str, files: Iterable[tuple[str, str]], texts: dict[str, str], changes: Iterable[str]) -> None:
    """Stream a tar of the machine's files into the engine; its closing line is the id of the new image."""
    argv = ["docker", "import", *(f"--change={change}" for change in changes), "-", image]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as engine:
        assert engine.stdin is not None
        with tarfile.open(fileobj=engine.stdin, mode="w|") as tar:
            for source, name in files:
                tar.add(source, name, recursive=False)
            for name, text in texts.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text.encode())
                entry.mode = 0o644
                tar.addfile(entry, io.BytesIO(text.encode()))
    assert engine.returncode == 0, f"docker import of {image} failed"
