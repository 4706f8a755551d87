"""The embedded stack: MiniStack as a process of our own, and the template deployed on it as it would be on AWS.

Everything is kept under `.local/`. What is started here ends when the program that started it ends, in whatever way
(`keeper.py`).
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import platform
import py_compile
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parent.parent.parent
LOCAL = ROOT / ".local"
BUILD = ROOT / ".aws-sam" / "build"
REGION = "eu-west-2"
STACK = "early-results"
# The parameters of the template under which people are told by e-mail, into MiniStack's own box.
MAIL = {
    "EmailIdentity": "results.example",
    "EmailFrom": "Early Results <no-reply@results.example>",
    "MailFrom": "no-reply@results.example",
}
FUNCTIONS, LAYER, PACKED = "ValidateFunction-Shared", "TypstLayer", "packed.yaml"  # what `build` leaves in BUILD
FIRST_PORT = 4566
START_SECONDS = 120  # two seconds on quiet cores
PORTS_TRIED = 5
KEEPER = Path(__file__).with_name("keeper.py")
SCRATCH_BYTES = 4 * 1024**3

# What the host lends to the programs that run here; nothing else of its environment reaches them.
_KEPT = ("HOME", "LANG", "PATH", "SSL_CERT_FILE", "SYSTEMROOT", "UV_CACHE_DIR", "UV_INDEX_URL", "UV_DEFAULT_INDEX")


class LocalError(RuntimeError):
    """The embedded stack could not be built, started or deployed. The message says where to look."""


@dataclass(slots=True)
class Stack:
    """A deployed stack on a running MiniStack, with everything a client needs to drive it."""

    endpoint: str
    access_key: str
    secret_key: str
    outputs: dict[str, str]
    folder: Path
    name: str = STACK
    region: str = REGION
    _clients: dict[str, Any] = field(default_factory=dict)

    @property
    def portal_url(self) -> str:
        """The page's address.

        MiniStack serves an HTTP API under a path and under a host name. The path works in every browser and client.
        """
        return f"{self.endpoint}/_aws/execute-api/{self.outputs['ApiId']}/"

    @property
    def api_url(self) -> str:
        """Where the API of DESIGN 8 is, without a slash at its end."""
        return f"{self.portal_url}api"

    def client(self, service: str) -> Any:
        """A boto3 client of the account's owner."""
        if service not in self._clients:
            make: Any = boto3.client  # the type stubs ask for the literal name of a service
            self._clients[service] = make(
                service,
                endpoint_url=self.endpoint,
                region_name=self.region,
                aws_access_key_id=self.access_key,
                aws_secret_access_key=self.secret_key,
                config=Config(retries={"max_attempts": 2}, max_pool_connections=64),
            )
        return self._clients[service]


def environment(**more: str) -> dict[str, str]:
    """The environment of the programs started here."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    tools = os.pathsep.join([str(LOCAL / "uv" / "bin"), kept.get("PATH", os.defpath)])
    return {
        **kept,
        "PATH": tools,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.2",  # seconds; it is five otherwise, and a stack here is made in one
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        **more,
    }


def host_parameters() -> dict[str, str]:
    """Runtime and architecture of this machine, since MiniStack runs functions on the host's own Python."""
    machine = platform.machine().lower()
    return {
        "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
        "Architecture": "arm64" if machine in ("arm64", "aarch64") else "x86_64",
    }


def build(folder: Path = BUILD) -> None:
    """`sam build` for this machine, unless nothing has changed since the last build.

    LocalError with what SAM said if it fails.
    """
    stamp, sources = folder / "sources.sha256", _sources()
    if stamp.is_file() and stamp.read_text() == sources:
        return
    stamp.unlink(missing_ok=True)
    _sam(["build", "--build-dir", str(folder), "--parameter-overrides", *_pairs(host_parameters())], environment())
    built = (folder / "template.yaml").read_text()
    for setting, part in (("CodeUri", FUNCTIONS), ("ContentUri", LAYER)):
        _pack(folder / part)
        # SAM names a folder in its cache for what it did not build anew.
        built = re.sub(rf"\b{setting}: (?:{part}|\.\./cache/\S+)$", f"{setting}: {part}.zip", built, flags=re.MULTILINE)
    (folder / PACKED).write_text(built)
    stamp.write_text(sources)


def _sources() -> str:
    """A hash of everything that a build is made from, and of the machine that it is for."""
    digest = hashlib.sha256(repr(sorted(host_parameters().items())).encode())
    parts = [ROOT / "template.yaml", ROOT / "samconfig.toml", ROOT / "infra" / "local" / "stack.py"]
    for folder in (ROOT / "functions", ROOT / "infra" / "typst-layer"):
        parts += sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    for path in parts:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _pack(built: Path) -> None:
    """Zips a built folder, with its modules compiled.

    Here every process of a function unpacks its code. If it had to compile it too, that would be most of its cold
    start. `sam deploy` would zip the folder again for each stack.
    """
    compileall.compile_dir(built, quiet=2, workers=0, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    with zipfile.ZipFile(built.with_suffix(".zip"), "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(built.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(built))


def _pairs(parameters: dict[str, str]) -> list[str]:
    return [f'ParameterKey={name},ParameterValue="{value}"' for name, value in parameters.items()]


def _sam(arguments: list[str], env: dict[str, str]) -> str:
    LOCAL.mkdir(exist_ok=True)
    done = subprocess.run(
        [str(LOCAL / "sam" / "bin" / "sam"), *arguments, "--config-file", str(ROOT / "samconfig.toml")],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    (LOCAL / f"sam-{arguments[0]}.log").write_text(done.stdout + done.stderr)
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise LocalError(f"sam {arguments[0]} failed (all of it: .local/sam-{arguments[0]}.log):\n{tail}")
    return done.stdout


def free_port(wanted: int = 0) -> int:
    """The wanted port if it is free, otherwise another one.

    It is below the ports that the system gives to outgoing connections, one of which might take it before the server.
    """
    for port in (wanted, *(20_000 + secrets.randbelow(12_000) for _ in range(50))):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            if port:
                return port
    raise LocalError("no port is free")


@contextmanager
def ministack(folder: Path, port: int = 0) -> Iterator[tuple[str, str, str]]:
    """A running MiniStack with AUTH=true: its endpoint, and the account owner's key and secret. Stopped at the end.

    A port that is free when it is chosen may be taken by another server before MiniStack asks for it. That server may
    be another healthy MiniStack. Ours is the one that knows the key that it was given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key, secret = "AKIA" + secrets.token_hex(8).upper(), secrets.token_hex(20)
    for tries_left in reversed(range(PORTS_TRIED)):
        endpoint = f"http://127.0.0.1:{free_port(port)}"
        with _started(folder, endpoint, key, secret) as keeper:
            if _wait_until_up(endpoint, keeper, folder, key, secret):
                yield endpoint, key, secret
                return
        if not tries_left:
            raise LocalError(f"MiniStack did not start; its log is {folder / 'ministack.log'}")


@contextmanager
def _started(folder: Path, endpoint: str, key: str, secret: str) -> Iterator[subprocess.Popen[bytes]]:
    """MiniStack as a process of our own, ended with all that it started."""
    program = LOCAL / "ministack" / "bin" / "ministack"
    scratch = Path(tempfile.mkdtemp(prefix="early-results-", dir=_scratch_root()))
    env = environment(
        AUTH="true",
        BIND_HOST="127.0.0.1",
        GATEWAY_PORT=endpoint.rpartition(":")[2],
        MINISTACK_REGION=REGION,
        AWS_ACCESS_KEY_ID=key,
        AWS_SECRET_ACCESS_KEY=secret,
        AWS_ENDPOINT_URL=endpoint,
        TMPDIR=str(scratch),
        IOT_MTLS_ENABLED="0",  # these two would listen on every address
        SFTP_ENABLED="0",
    )
    command = [sys.executable, "-I", str(KEEPER), str(scratch), str(program)]
    with (
        (folder / "ministack.log").open("wb") as log,
        # Leaving this block closes the keeper's standard input, at which it ends everything, and waits for that.
        subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True
        ) as keeper,
    ):
        yield keeper


def _scratch_root() -> str | None:
    """Where the functions' processes unpack their code: in memory if there is room, else where temporary files go.

    Each process unpacks 1,400 files of its own. On a disk that takes longer than all of the process's work.
    """
    memory = Path("/dev/shm")  # noqa: S108
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > SCRATCH_BYTES:
        return str(memory)
    return None


def _wait_until_up(endpoint: str, process: subprocess.Popen[bytes], folder: Path, key: str, secret: str) -> bool:
    """Waits until our MiniStack answers; False if it ended, or another server answers in its place."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2):
                return _knows(endpoint, key, secret)
        except (URLError, OSError):
            time.sleep(0.1)
    raise LocalError(f"MiniStack did not start; its log is {folder / 'ministack.log'}")


def _knows(endpoint: str, key: str, secret: str) -> bool:
    """Whether the MiniStack at an endpoint is the one that was given this key."""
    caller = boto3.client(
        "sts", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret
    )
    try:
        caller.get_caller_identity()
    except ClientError:
        return False
    return True


def deploy(
    endpoint: str, key: str, secret: str, folder: Path, template: Path | None = None, **parameters: str
) -> Stack:
    """`sam deploy` of the built template. `parameters` replace the local ones. LocalError with what SAM said."""
    chosen = {
        **host_parameters(),
        "TlsOnly": "false",
        "AllowPasswordAuth": "true",
        "NoonSchedule": "rate(1 minute)",
        "SweepSchedule": "rate(1 minute)",
        "ReleaseSchedule": "rate(1 minute)",
        "OverviewSchedule": "rate(1 minute)",
        "GraceSeconds": "2",
        "SweepAgeSeconds": "10",
        "StalledSeconds": "120",
        "PortalTimeout": "120",
        "Scale": "small",
        "PortalOrigin": endpoint,
        "CognitoEndpoint": f"{endpoint}/",
        "OperatorsNeedCodes": "false",
        "RequestsPerMinute": "60000",
        "ReadTrail": "false",
        "LookSchedule": "rate(1 minute)",
        "MailsPerSecond": "100",
        "SenderAlone": "false",
        "PortalAddress": f"{endpoint}/_aws/execute-api/{{api}}/",
        **parameters,
    }
    if chosen.get("EmailIdentity") == MAIL["EmailIdentity"]:
        verify_sender(endpoint, key, secret)
    _sam(
        [
            "deploy",
            "--template-file",
            str(template or BUILD / PACKED),
            "--no-confirm-changeset",
            "--no-progressbar",
            "--parameter-overrides",
            *_pairs(chosen),
        ],
        environment(AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret),
    )
    stack = Stack(endpoint, key, secret, {}, folder)
    described = stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    stack.outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    return stack


def verify_sender(endpoint: str, key: str, secret: str) -> None:
    """Has MiniStack's SES know the sender of MAIL, as the owner of a domain does by an entry in its DNS."""
    post = boto3.client(
        "sesv2", endpoint_url=endpoint, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret
    )
    with suppress(post.exceptions.AlreadyExistsException):  # several stacks on one MiniStack send as the same
        post.create_email_identity(EmailIdentity=MAIL["EmailIdentity"])


class Mail(NamedTuple):
    """An e-mail in MiniStack's box."""

    to: str
    subject: str
    text: str


def mailbox(endpoint: str) -> list[Mail]:
    """The e-mails that were sent on a MiniStack, oldest first. It keeps those of all accounts and asks for no key."""
    with urllib.request.urlopen(f"{endpoint}/_ministack/ses/messages", timeout=10) as answer:
        told = json.load(answer)["messages"]
    sent = sorted((one for some in told.values() for one in some), key=lambda one: one["Timestamp"])
    return [Mail(one["To"][0], one["Subject"], one["BodyText"]) for one in sent]


@contextmanager
def running(folder: Path, **parameters: str) -> Iterator[Stack]:
    """The deployed template on a MiniStack of its own, stopped at the end."""
    with ministack(folder) as (endpoint, key, secret):
        yield deploy(endpoint, key, secret, folder, None, **parameters)


def wait_for(what: str, ready: Callable[[], bool], seconds: float = 30, every: float = 0.1) -> None:
    """Waits until something is so. LocalError, saying what, if it is not in time."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise LocalError(f"waited {seconds:.0f} s in vain: {what}")
        time.sleep(every)
