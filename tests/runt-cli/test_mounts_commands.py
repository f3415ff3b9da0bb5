"""The examples that users of the TypeScript agent know, in the real command.

They hold word for word, but for the names: directories of a test stand in place of
`/home/user/data` and the others.
"""

import hashlib
import os
import re
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trio
from runt_command import running, runt

from runt_sync import open_server
from runt_vfs import mount_name

TABLE = "shop,apples\nnorth,3\nsouth,4\n"

USING_MOUNTED_DIRECTORIES = """
def some_processing_function(row):
    return row["apples"] * 2

import os
import pandas as pd

## List mounted directories
print("Mounted directories:")
for item in os.listdir("/mnt"):
    print(f"  /mnt/{item}")

## Read data from mounted directory
df = pd.read_csv("/mnt/_home_user_data/my_dataset.csv")
print(df.head())

## Save results back to mounted directory (only works if not mounted read-only)
df.processed = df.apply(some_processing_function, axis=1)
df.to_csv("/mnt/_home_user_data/processed_dataset.csv", index=False)
"""

USING_A_READ_ONLY_MOUNT = """
import pandas as pd

df = pd.read_csv("/mnt/_home_user_data/my_dataset.csv")
try:
    df.to_csv("/mnt/_home_user_data/new_file.csv", index=False)
except PermissionError:
    print("Cannot write to read-only mounted directory")
    # Use /outputs directory instead for saving results
    df.to_csv("/outputs/processed_dataset.csv", index=False)
"""

# What "this prevents" lists in the document: modifying and deleting files, creating
# files and directories, deleting directories.
PREVENTED = """
import os, shutil
for change in (
    lambda: open("/mnt/_home_user_data/my_dataset.csv", "a"),
    lambda: open("/mnt/_home_user_data/my_dataset.csv", "r+"),
    lambda: os.chmod("/mnt/_home_user_data/my_dataset.csv", 0o666),
    lambda: os.remove("/mnt/_home_user_data/my_dataset.csv"),
    lambda: open("/mnt/_home_user_data/new_file.csv", "w"),
    lambda: os.mkdir("/mnt/_home_user_data/new"),
    lambda: os.rmdir("/mnt/_home_user_data/empty"),
    lambda: shutil.rmtree("/mnt/_home_user_data"),
):
    try:
        change()
    except PermissionError:
        print("prevented")
"""

OUTPUT_DIRECTORY_SYNCING = """
import pandas as pd
import matplotlib.pyplot as plt

## Create some data
df = pd.DataFrame({'x': range(10), 'y': [x**2 for x in range(10)]})

## Save to /outputs - will be synced to host automatically
df.to_csv('/outputs/results.csv', index=False)

## Create a plot and save it
plt.figure(figsize=(8, 6))
plt.plot(df['x'], df['y'])
plt.title('Quadratic Function')
plt.savefig('/outputs/plot.png')

## Create nested directories
import os
os.makedirs('/outputs/analysis', exist_ok=True)
with open('/outputs/analysis/summary.txt', 'w') as f:
    f.write(f'Dataset has {len(df)} rows')
"""

# The page for users says what of this works, and which error the rest gives.
LIMITS = """
import fcntl, os
data, other = "/mnt/_home_user_data", "/mnt/_home_user_other"
table, new = f"{data}/my_dataset.csv", f"{data}/new"

def attempt(name, action):
    try:
        result = action()
    except OSError as error:
        print(name, type(error).__name__, os.strerror(error.errno))
    except Exception as error:
        print(name, type(error).__name__)
    else:
        print(name, "works" if result is None else result)

attempt("follow", lambda: open(f"{data}/leads-out/secret"))
attempt("readlink", lambda: os.readlink(f"{data}/leads-out"))
attempt("symlink", lambda: os.symlink("../other", new))
attempt("symlink inside", lambda: os.symlink("my_dataset.csv", new))
attempt("read inside", lambda: open(new).read(4))
attempt("pipe", lambda: open(f"{data}/pipe"))
attempt("rename", lambda: os.rename(table, f"{other}/table"))
attempt("remove mount", lambda: os.rmdir(other))
attempt("rename mount", lambda: os.rename(other, "/mnt/new"))
attempt("link", lambda: os.link(table, new))
attempt("mkfifo", lambda: os.mkfifo(new))
attempt("attributes", lambda: os.listxattr(table))
attempt("holes", lambda: os.SEEK_DATA)
attempt("owner", lambda: os.chown(table, 1, 1))
attempt("set-user-ID", lambda: os.chmod(table, 0o4644))
file = open(table, "a")
attempt("flock", lambda: fcntl.flock(file, fcntl.LOCK_EX))
attempt("lockf", lambda: fcntl.lockf(file, fcntl.LOCK_EX))
attempt("elsewhere", lambda: os.mkdir("/mnt/elsewhere"))
"""

LIMITS_SAY = """
follow PermissionError Permission denied
readlink PermissionError Permission denied
symlink PermissionError Permission denied
symlink inside works
read inside shop
pipe PermissionError Permission denied
rename OSError Cross-device link
remove mount OSError Resource busy
rename mount OSError Resource busy
link AttributeError
mkfifo AttributeError
attributes AttributeError
holes AttributeError
owner works
set-user-ID works
flock OSError No locks available
lockf OSError No locks available
elsewhere works
"""

ANALYSIS_UTILS = """
def analyze_sales_trends(sales):
    return sales.groupby("shop").sum()
"""

DATA_ANALYSIS_WORKFLOW = """
import sys
sys.path.append('/mnt/_home_user_analysis_scripts')

import my_analysis_utils
import pandas as pd

## Load data from mounted directory
data = pd.read_csv('/mnt/_home_user_datasets/sales_data.csv')

## Perform analysis using your custom utilities
results = my_analysis_utils.analyze_sales_trends(data)

## Save results back to mounted directory
results.to_csv('/mnt/_home_user_datasets/analysis_results.csv')
"""


@dataclass
class Home:
    """A directory that stands in place of /home/user."""

    folder: Path

    def in_place(self, source: str) -> str:
        """Put the names of this home's mounts into an example."""
        return source.replace("/mnt/_home_user", f"/mnt/{mount_name(self.folder)}")

    def runt(self, *arguments: str | Path, **variables: str) -> tuple[str, str]:
        """Run the command to its good end; give its outputs."""
        status, out, err = runt(*arguments, cwd=self.folder, **variables)
        assert status == 0, out + err
        return out, err

    def run(self, source: str, *arguments: str | Path) -> tuple[str, str]:
        """Run an example as a script, in this process or elsewhere."""
        script = self.folder / "script.py"
        script.write_text(self.in_place(source))
        return self.runt("run", script, *arguments)

    @contextmanager
    def running(
        self, ready: str, *arguments: str | Path, in_err: bool, **variables: str
    ) -> Generator[str]:
        """Have a command run until the block ends; give what it said until ready."""
        with running(self.folder, *arguments, **variables) as command:
            command.wait_for(ready, in_err=in_err)
            yield command.out_file.read_text() + command.err_file.read_text()
            status, out, err = command.stop(signal.SIGTERM)
            assert status == 0, out + err


def tree(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything about a tree that a change would change."""
    return {
        str(path): (
            path.lstat().st_ino,
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.lstat().st_ctime_ns,
            path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in (folder, *folder.rglob("*"))
    }


@pytest.fixture
def home(tmp_path: Path) -> Home:
    data = tmp_path / "data"
    (data / "empty").mkdir(parents=True)
    (data / "my_dataset.csv").write_text(TABLE)
    return Home(tmp_path)


def test_a_snippet_lists_reads_and_writes_back(home: Home) -> None:
    data = home.folder / "data"
    example = home.in_place(USING_MOUNTED_DIRECTORIES)
    out, err = home.runt("exec", example, "--mount", "data")
    place = f"/mnt/{mount_name(data)}"
    assert f"Mounted:   {data} at {place}, read-write\n" in err
    assert out.startswith(f"Mounted directories:\n  {place}\n    shop  apples\n")
    assert (data / "processed_dataset.csv").read_text() == TABLE


def test_what_does_not_work_gives_the_errors_that_the_page_says(home: Home) -> None:
    data, other = home.folder / "data", home.folder / "other"
    other.mkdir()
    (other / "secret").touch()
    (data / "leads-out").symlink_to(other)
    os.mkfifo(data / "pipe")
    owner = (data / "my_dataset.csv").stat().st_uid
    out, _ = home.runt("exec", home.in_place(LIMITS), "-m", data, "-m", other)
    assert out == LIMITS_SAY.removeprefix("\n")
    table = (data / "my_dataset.csv").stat()
    assert (table.st_uid, table.st_mode & 0o7777) == (owner, 0o644)


def test_a_read_only_mount_stays_as_it_is_and_outputs_arrive(home: Home) -> None:
    data, output_dir = home.folder / "data", home.folder / "new" / "results"
    before = tree(data)
    examples = [USING_A_READ_ONLY_MOUNT, PREVENTED, OUTPUT_DIRECTORY_SYNCING]
    out, err = home.run(
        "# %%\n".join(examples),
        *("--mount", data, "--mount-readonly", "--output-dir", output_dir),
    )
    assert out.splitlines()[:9] == [
        "Cannot write to read-only mounted directory",
        *["prevented"] * 8,
    ]
    assert tree(data) == before
    assert f"{data} at /mnt/{mount_name(data)}, read-only\n" in err
    assert f"Outputs:   /outputs is copied to {output_dir}" in err
    assert (output_dir / "processed_dataset.csv").read_text() == TABLE
    assert (output_dir / "results.csv").read_text().startswith("x,y\n0,0\n1,1\n2,4\n")
    assert (output_dir / "plot.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    summary = output_dir / "analysis" / "summary.txt"
    assert summary.read_text() == "Dataset has 10 rows"


async def test_the_agent_takes_the_command_line_of_the_other_one(home: Home) -> None:
    datasets, scripts = home.folder / "datasets", home.folder / "analysis-scripts"
    datasets.mkdir()
    scripts.mkdir()
    (datasets / "sales_data.csv").write_text(TABLE + TABLE.partition("\n")[2])
    (scripts / "my_analysis_utils.py").write_text(ANALYSIS_UTILS)
    identity = ["--notebook", "data-analysis", "--auth-token", "your-token"]
    command = [*identity, "--mount", datasets, "--mount", scripts]

    async with open_server(
        data_dir=home.folder / "store", token="your-token"
    ) as server:

        def work() -> str:
            url = server.sync_url
            with home.running(
                "Attached", *command, in_err=True, LIVESTORE_SYNC_URL=url
            ) as said:
                at = ["--sync-url", server.sync_url, *identity]
                home.run(DATA_ANALYSIS_WORKFLOW, *at)
                return said

        said = await trio.to_thread.run_sync(work)

    assert f"Mounted:   {datasets} at /mnt/{mount_name(datasets)}, read-write" in said
    assert f"Mounted:   {scripts} at /mnt/{mount_name(scripts)}, read-write" in said
    results = (datasets / "analysis_results.csv").read_text()
    assert results == "shop,apples\nnorth,6\nsouth,8\n"


def test_up_mounts_and_copies_for_its_clients(home: Home) -> None:
    data, output_dir = home.folder / "data", home.folder / "results"
    command = ["up", "-n", "mine", "--data-dir", home.folder / "store"]
    flags = ["-m", f"{data}:ro", "--output-dir", output_dir]
    with home.running(
        "Ready", *command, *flags, in_err=False, RUNT_SYNC_TOKEN="t"
    ) as said:
        url = re.findall(r"^Sync URL:  (\S+)$", said, re.MULTILINE)[0]
        source = (
            "text = open('/mnt/_home_user_data/my_dataset.csv').read()\n"
            "open('/outputs/copy.csv', 'w').write(text)\n"
        )
        home.run(source, "-s", url, "-n", "mine", "-t", "t")
        assert (output_dir / "copy.csv").read_text() == TABLE
    assert f"Mounted:   {data} at /mnt/{mount_name(data)}, read-only" in said
