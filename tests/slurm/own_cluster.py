"""A Slurm cluster of a script's own (scripts/slurm-cluster), and small data for its studies."""
import os
import subprocess
from pathlib import Path

CLUSTER = str(Path(__file__).resolve().parents[2] / "scripts/slurm-cluster")


def sh(*command, seconds=None, check=True, **options):
    """What the command printed. Where it fails, and `check`, RuntimeError says what it said."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done.stdout


class OwnCluster:
    """Two nodes that are this machine. Its options are those of scripts/slurm-cluster."""

    def __init__(self, folder, *options):
        self.folder, self.options = Path(folder), options
        self.env = dict(os.environ, SLURM_CONF=str(self.folder / "slurm.conf"))

    def why_not(self):
        """Why none can be started here; empty where one can."""
        return sh(CLUSTER, "check", *self.options, check=False).strip()

    def start(self):
        """Starts what of it does not run."""
        sh(CLUSTER, "start", "--dir", str(self.folder), *self.options, seconds=180)

    def stop(self):
        sh(CLUSTER, "stop", "--dir", str(self.folder), seconds=180, check=False)

    def daemon(self, name):
        """The process of a daemon: "slurmctld", "n1"."""
        return int((self.folder / f"{name}.process").read_text().split()[0])

    def sh(self, *command):
        """What one of Slurm's commands printed, whether it succeeded or not."""
        return sh(*command, seconds=60, check=False, env=self.env)


def make_data(beamgrid, folder):
    """200 videos of 8 classes, for recipes with features = { rgb = 16 }."""
    sh(beamgrid, "data", "synth", "--out", str(folder), "--videos", "200", "--classes", "8", "--seed", "7", "--format", "frame", "--features", "rgb=16", "--max-frames", "8", "--shards", "2")
