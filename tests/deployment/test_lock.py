"""The lock installs as it is, with any pip and whatever has been released since."""

import ensurepip
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from tests.deployment import ROOT


def _wheel(folder: Path, name: str, version: str, *requires: str, extra: str = "") -> str:
    """Make a package without any code; return its line in a lock."""
    info = f"{name}-{version}.dist-info"
    about = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {one}" for one in requires)]
    about += [f"Provides-Extra: {extra}"] if extra else []
    files = {
        f"{info}/METADATA": "\n".join(about) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in (*files.items(), (f"{info}/RECORD", record)):
            archive.writestr(file, text)
    return f"{name}=={version} --hash=sha256:{sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """A package that wants another with an extra, as pytest-cov wants coverage; the other has a newer release."""
    folder = tmp_path / "index"
    folder.mkdir()
    lock = _wheel(folder, "wanting", "1.0", "wanted[toml]>=1.0")
    lock += _wheel(folder, "wanted", "1.0", 'reader>=1.0; extra == "toml"', extra="toml")
    lock += _wheel(folder, "reader", "1.0")
    _wheel(folder, "wanted", "2.0", 'reader>=1.0; extra == "toml"', extra="toml")
    (folder / "requirements.txt").write_text(lock)
    return folder


@pytest.fixture
def environment(index: Path) -> dict[str, str]:
    """Only the local index, and none of this machine's settings for pip."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON"))}
    return clean | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(index)}


@pytest.fixture
def bundled_pip(tmp_path: Path) -> Path:
    """The pip that this Python brings for new environments, not upgraded."""
    places = [Path(ensurepip.__file__).with_name("_bundled"), Path(sysconfig.get_config_var("WHEEL_PKG_DIR") or "none")]
    [wheel, *_] = [wheel for place in places for wheel in place.glob("pip-*.whl")]
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "pip")
    return tmp_path / "pip" / "pip"


def _options(place: str) -> list[str]:
    """Return the options that a place gives to every `pip install`."""
    text = (ROOT / place).read_text().replace("\\\n", " ")
    found = re.findall(r"pip install ((?:--?[\w-]+(?: ignore| :all:)? *)+)", text)
    assert found, f"{place} installs nothing"
    assert len(set(found)) == 1, f"{place} installs in two ways"
    return [word for word in found[0].split() if word != "-r"]


def test_the_lock_installs_with_the_pip_that_python_brings(
    index: Path, environment: dict[str, str], bundled_pip: Path, tmp_path: Path
) -> None:
    for number, place in enumerate(["Makefile", "Dockerfile", "docs/deploy.md"]):
        fresh = tmp_path / f"fresh{number}"
        venv.create(fresh, with_pip=False)
        pip = [fresh / "bin" / "python", bundled_pip, "--disable-pip-version-check"]
        installed = subprocess.run(
            [*pip, "install", *_options(place), "-r", index / "requirements.txt"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert installed.returncode == 0, f"{place}: {installed.stderr}"
        found = {info.name.removesuffix(".dist-info") for info in fresh.glob("lib/*/site-packages/*.dist-info")}
        assert found == {"wanting-1.0", "wanted-1.0", "reader-1.0"}
        checked = subprocess.run([*pip, "check"], env=environment, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout


def test_the_lock_names_all_that_its_packages_need() -> None:
    """Without a resolver nobody would notice; this environment holds exactly both locks."""
    checked = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_what_copies_heic_is_installed_only_where_it_is_asked_for() -> None:
    for given, wanted in (([], False), (["HEIC="], False), (["HEIC=1"], True)):
        said = subprocess.run(
            ["make", "-n", "-W", "requirements-heic.txt", "install", *given],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("-r requirements-heic.txt" in said.stdout) is wanted, given
    plain = {line.partition("=")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()}
    assert not plain & {"pillow", "pillow-heif"}


def test_make_help_lists_every_target_and_variable() -> None:
    makefile = (ROOT / "Makefile").read_text()
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    [phony] = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert sorted(re.findall(r"^  make (\w+) +\S", said, re.MULTILINE)) == sorted(phony.split())
    assert set(re.findall(r"^  ([A-Z]+)=.* \S", said, re.MULTILINE)) == set(
        re.findall(r"^([A-Z]+) \?=", makefile, re.MULTILINE)
    )
