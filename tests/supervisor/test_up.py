"""`make up` as a person meets it: first start, second start, refusals, and the way it ends."""

from __future__ import annotations

import datetime as dt
import os
import resource
import shutil
import signal
import socket
import ssl
import urllib.request
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mfgos.supervisor import address, cluster, processes
from mfgos.supervisor.errors import SupervisorError
from tests.supervisor.product import ROOT, Product, until

# The bar for a second start is 6 s on a quiet machine, and `make bench B=start` measures it; here others may keep it
# busy. A start is mostly reckoning: the processors' time of its own is what can tell.
COLD_CPU_SECONDS, WARM_CPU_SECONDS = 60, 20
COLD_SECONDS, WARM_SECONDS, STOP_SECONDS = 120, 30, 15


def test_first_start_second_start_and_stop(private_folder: Path) -> None:
    """From a checkout's default folders, in a place that no other account can enter and with a space in its name."""
    product = Product(private_folder, root=checkout_in(private_folder), own_folders=False)
    log = product.root / ".run" / "preparation.log"
    before = cpu_of_ended_children()
    with product:
        cold = product.page()
        product.running()
        children = product.children()
        stop = until(lambda: product.stop() == 0)
        assert not [pid for pid in children if processes.alive(pid)]
        assert f"http://127.0.0.1:{product.port}/" in product.said()
        assert product.said().endswith("Stopping.\nStopped.\n")
    after = cpu_of_ended_children()
    prepared = log.stat().st_size
    with product:
        warm = product.page()
        product.stop()
    cold_cpu, warm_cpu = after - before, cpu_of_ended_children() - after
    assert log.stat().st_size == prepared, "nothing had changed, yet it prepared"
    assert private_folder.stat().st_mode & 0o777 == 0o700
    print(f"cold {cold:.1f} s ({cold_cpu:.1f} of CPU), warm {warm:.1f} s ({warm_cpu:.1f} of CPU), stop {stop:.1f} s")
    assert (cold_cpu < COLD_CPU_SECONDS, warm_cpu < WARM_CPU_SECONDS) == (True, True)
    assert (cold < COLD_SECONDS, warm < WARM_SECONDS, stop < STOP_SECONDS) == (True, True, True)


def cpu_of_ended_children() -> float:
    """With all that they had started themselves and waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def checkout_in(folder: Path) -> Path:
    checkout = folder / "check out"
    checkout.mkdir()
    for name in (
        "mfgos",
        "apps",
        "static",
        "templates",
        "fixtures",
        "locale",
        "manage.py",
        "pyproject.toml",
        "requirements.lock",
    ):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, checkout)
    return checkout


def test_a_taken_port_is_named_before_anything_starts(open_folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with Product(open_folder, PORT=str(taken.getsockname()[1])) as product:
            assert product.wait() == 1
        assert f"Port {product.port} is taken by" in product.sentence()
        assert f"(pid {os.getpid()})" in product.sentence()
        assert not (open_folder / "pg").exists()


def test_another_major_is_one_sentence(open_folder: Path) -> None:
    data = open_folder / "pg" / "run" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with Product(open_folder) as product:
        assert product.wait() == 1
    assert "was made by PostgreSQL 9" in product.sentence()


def test_a_wrong_setting_is_one_sentence(used_folder: Path) -> None:
    with Product(used_folder, DEBUG="perhaps") as product:
        assert product.wait() == 1
    assert "mfgos.E001: DEBUG is 'perhaps'" in product.sentence()


def test_sigint_stops_it_even_when_it_was_started_with_sigint_ignored(used_folder: Path) -> None:
    with Product(used_folder, preexec=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)) as product:
        product.running()
        refuses_a_second_one(product)
        assert product.stop(signal.SIGINT) == 0


def refuses_a_second_one(first: Product) -> None:
    with Product(first.folder) as second:
        assert second.wait() == 1
    assert first.process
    assert f"http://127.0.0.1:{first.port} (pid {first.process.pid})" in second.sentence()


def test_a_first_start_that_was_cut_short_begins_again(open_folder: Path) -> None:
    with Product(open_folder) as product:
        until(lambda: product.pid_of("mfgos.supervisor.prepare"))
        assert product.stop(signal.SIGTERM) == 0
    assert product.said() == "Stopping.\nStopped.\n"
    with product:
        until(lambda: product.pid_of("mfgos.supervisor.prepare"))
    assert product.said() == "The first start was cut short; the database is made anew.\n"


class TestDatabaseUrl:
    """A server that somebody else runs: here a daemon on the data that `make up` left."""

    def test_is_used_and_none_is_made(
        self, used_folder: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MFGOS_PG_DIR", str(used_folder / "pg"))
        cluster.ensure(used_folder, "run")
        urls = {
            "DATABASE_URL": cluster.url(used_folder, user="mfgos_app", mode="run"),
            "DATABASE_OWNER_URL": cluster.url(used_folder, user="mfgos_owner", mode="run"),
        }
        with Product(open_folder, **urls) as product:
            product.running()
            assert not (open_folder / "pg" / "run").exists()
            assert "the server that DATABASE_URL names" in product.said()
            assert not product.pid_of("postgres")
            assert product.stop() == 0
        with Product(used_folder) as product:
            product.running()
            assert "A database without a supervisor was still running here; it has been stopped." in product.said()

    def test_out_of_reach_is_one_sentence(self, open_folder: Path) -> None:
        with Product(open_folder, DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none") as product:
            assert product.wait() == 1
        assert "refused" in product.sentence()
        assert "secret" not in product.sentence()


class TestAddress:
    def test_of_another_machine_needs_tls(self) -> None:
        with pytest.raises(SupervisorError, match="set TLS_CERT and TLS_KEY"):
            address.read({"HOST": "0.0.0.0"})
        with pytest.raises(SupervisorError, match="go together"):
            address.read({"TLS_KEY": __file__})
        with pytest.raises(SupervisorError, match="can't be read"):
            address.read({"TLS_KEY": "/nowhere/key", "TLS_CERT": __file__})

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "localhost", "::1", "[::1]", ""])
    def test_of_this_machine_does_not(self, host: str) -> None:
        assert address.read({"HOST": host}).url.startswith("http://")

    @pytest.mark.parametrize("port", ["0", "65536", "web", "-1"])
    def test_port_is_a_number(self, port: str) -> None:
        with pytest.raises(SupervisorError, match="set it to a number"):
            address.read({"PORT": port})

    def test_endpoint_escapes_what_twisted_would_split(self, tmp_path: Path) -> None:
        file = tmp_path / "a:b.pem"
        file.touch()
        asked = {"HOST": "fe80::1", "PORT": "8443", "TLS_KEY": str(file), "TLS_CERT": str(file)}
        found = address.read(asked)
        path = str(file).replace(":", "\\:")
        assert found.endpoint == f"ssl:8443:privateKey={path}:certKey={path}:interface=fe80\\:\\:1"

    def test_every_address_needs_the_names_that_browsers_use(self, tmp_path: Path) -> None:
        file = tmp_path / "both.pem"
        file.touch()
        asked = {"HOST": "0.0.0.0", "TLS_KEY": str(file), "TLS_CERT": str(file)}
        with pytest.raises(SupervisorError, match="set ALLOWED_HOSTS to the names"):
            address.read(asked)
        assert address.read({**asked, "ALLOWED_HOSTS": "floor.plant"}).host == "0.0.0.0"

    def test_is_shared_by_as_many_webs_as_are_asked_for(self) -> None:
        plain = address.read({"HOST": "127.0.0.1"})
        assert address.web_processes(plain, {"MFGOS_WEB_PROCESSES": "3"}) == 3
        assert address.web_processes(plain, {}) in {1, 2}
        for wrong in ("0", "5", "two"):
            with pytest.raises(SupervisorError, match="set it to a number from 1 to 4"):
                address.web_processes(plain, {"MFGOS_WEB_PROCESSES": wrong})

    def test_is_not_shared_with_tls_or_by_ipv6(self, tmp_path: Path) -> None:
        file = tmp_path / "both.pem"
        file.touch()
        for host, tls in (("127.0.0.1", str(file)), ("::1", ""), ("localhost", "")):
            own = address.read({"HOST": host, "TLS_KEY": tls, "TLS_CERT": tls})
            assert address.web_processes(own, {"MFGOS_WEB_PROCESSES": "3"}) == 1

    def test_is_one_of_the_names_that_the_web_answers_to(self) -> None:
        assert address.name_of("10.0.0.5") == ["10.0.0.5"]
        assert address.name_of("fe80::1") == ["[fe80::1]"]
        assert address.name_of("") == address.name_of("0.0.0.0") == address.name_of("[::]") == []

    def test_is_served_with_tls(self, used_folder: Path) -> None:
        files = certificate(used_folder)
        with Product(used_folder, HOST="0.0.0.0", ALLOWED_HOSTS="localhost", **files) as product:
            product.running()
            context = ssl.create_default_context(cafile=files["TLS_CERT"])
            with urllib.request.urlopen(f"https://localhost:{product.port}/admin/login/", context=context) as page:
                assert page.status == 200


def certificate(folder: Path) -> dict[str, str]:
    """A certificate for localhost that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "key.pem").write_bytes(private)
    (folder / "cert.pem").write_bytes(signed.public_bytes(pem))
    return {"TLS_KEY": str(folder / "key.pem"), "TLS_CERT": str(folder / "cert.pem")}
