# A record in pandas and DuckDB, and an exported model at work. Each `# %%` begins a cell for
# editors and notebooks that know them; as a whole it is a script:
#
#   beamgrid export STUDY/MODEL/SEED --out model
#   python3 record_and_model.py [RECORD [MODEL_FOLDER]]      # else beamgrid.db and model
#
# It needs pandas (Debian: python3-pandas) and, for the model, torch; DuckDB is used where it is
# installed. The record is only read, and may be in use.

# %% Where the record and the model are
import pathlib
import sqlite3
import sys

import numpy as np
import pandas as pd

arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]
record = pathlib.Path(arguments[0] if arguments else "beamgrid.db").resolve()
model_folder = pathlib.Path(arguments[1] if len(arguments) > 1 else "model").resolve()

# %% The record's views: `trials` (a row per trial that counts), `leaderboard` (per model),
# `ablation` (per variant of a criterion), `curves` (per epoch), `running`, and `every_trial` (also
# those that count no more). `beamgrid query` prints any SELECT on them, too.
if not record.is_file():
    sys.exit(f"{record}: there is no such record; the first argument names one")
connection = sqlite3.connect(record.as_uri() + "?mode=ro", uri=True)
trials = pd.read_sql("SELECT * FROM trials", connection)
complete = trials[trials.state == "complete"].fillna({"extras": "none"})
columns = ["study", "name", "seed", "state", "gap", "size_bytes", "best_epoch"]
print("Trials, best first (the best epoch was chosen on the same videos: GAP is a little too high)")
print(trials.sort_values("gap", ascending=False)[columns].to_string(index=False), "\n")

# %% GAP by criterion, over all complete trials that have a component. What these trials are
# otherwise differs, so that a difference is no effect of the component alone: `beamgrid table` and
# `beamgrid effects` compare like with like.
for criterion in ["multimodal", "temporal", "classifier", "extras"]:
    gaps = complete.groupby(["study", criterion]).gap.agg(["count", "mean", "std", "max"])
    print(f"GAP by {criterion}, whatever else the trials are")
    print(gaps.sort_values("mean", ascending=False).round(4).to_string(), "\n")

# %% Learning curves: GAP on the validation videos after each epoch, the mean over a model's seeds
curves = pd.read_sql("SELECT study, name, seed, epoch, gap FROM curves", connection)
connection.close()
by_epoch = curves.pivot_table(index=["study", "name"], columns="epoch", values="gap")
print("GAP by epoch")
print(by_epoch.round(4).to_string(), "\n")
# With matplotlib: by_epoch.T.plot()

# %% The same rows in DuckDB, which queries a frame of pandas by its name. (Its extension `sqlite`
# attaches the file itself, but is downloaded first: INSTALL sqlite; ATTACH 'beamgrid.db'.)
try:
    import duckdb
except ImportError:
    print("DuckDB is not installed (pip install duckdb): its query is left out\n")
else:
    best = duckdb.sql("""
        SELECT study, temporal, classifier, count(*) AS trials, round(max(gap), 4) AS best_gap,
               arg_max(name, gap) AS name, arg_max(size_bytes, gap) AS size_bytes
        FROM complete GROUP BY ALL ORDER BY best_gap DESC LIMIT 10""").df()
    print("The best model of each temporal part with each classifier, by DuckDB")
    print(best.to_string(index=False), "\n")

# %% The exported model. Its folder's modeling.py has load, predict and read_tensors.
if not (model_folder / "modeling.py").is_file():
    sys.exit(f"{model_folder}: no exported model; `beamgrid export STUDY/MODEL --out` makes one")
sys.path.insert(0, str(model_folder))
import modeling

model = modeling.load(model_folder)
weights = sum(weight.numel() for weight in model.parameters())
print(f"The model in {model_folder.name}: {weights:,} weights")

# %% Its sample is three videos of random bytes with what beamgrid itself predicts for them. Of
# videos of yours give `frames`, uint8 as in the records, features side by side
# [videos, frames, width], and `lengths`, the number of each video's frames; a model of video-level
# features takes `features` [videos, width] alone.
videos = modeling.read_tensors(model_folder / "sample.safetensors")
expected = videos.pop("probabilities").numpy()
probabilities = modeling.predict(model, **videos).numpy()  # [videos, classes]
difference = np.abs(probabilities - expected).max()
print(f"largest difference from beamgrid's own probabilities: {difference:.1e}")
for video, scores in enumerate(probabilities):
    best = np.argsort(-scores, kind="stable")[:5]
    print(f"video {video}:", ", ".join(f"label {label} {scores[label]:.4f}" for label in best))
