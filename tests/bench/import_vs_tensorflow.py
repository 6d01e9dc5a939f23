#!/usr/bin/env python3
"""`beamgrid data import` beside the same conversion in Python with TensorFlow, side by side.

    python3 tests/bench/import_vs_tensorflow.py BEAMGRID [--videos 2000] [--frames 300] [--threads 1] [--values uint8]

Needs numpy and tensorflow (pip install numpy tensorflow-cpu). Makes videos of rgb [frames, 1024] and
audio [frames, 128] as .npy files, of bytes and of float32, and converts them: ours, and a loop of
numpy.load, tf.train.SequenceExample and tf.io.TFRecordWriter as tutorials have it. Each conversion
runs three times, in turns; the shortest counts, after the files were read once. Beside the time the
processor's is told, user and system, which neighbours on the machine hardly change: of ours with the
program's start, of TensorFlow's without. What both wrote is compared: the same videos, labels and
frames. Files lie in $TMPDIR: /dev/shm leaves the disk out.
"""
import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np
import tensorflow as tf

WIDTHS = {"rgb": 1024, "audio": 128}


def make(folder, videos, frames, kind):
    rng = np.random.default_rng(1)
    for name, width in WIDTHS.items():
        os.makedirs(f"{folder}/{name}")
    with open(f"{folder}/labels.csv", "w") as labels:
        print("id,labels,part", file=labels)
        for video in range(videos):
            for name, width in WIDTHS.items():
                if kind == "uint8":
                    array = rng.integers(0, 256, (frames, width), dtype=np.uint8)
                else:
                    array = rng.standard_normal((frames, width), dtype=np.float32)
                np.save(f"{folder}/{name}/v{video:06}.npy", array)
            part = "validate" if video % 5 == 0 else "train"
            print(f"v{video:06},{video % 100};{video % 7 + 100},{part}", file=labels)


def with_beamgrid(program, folder, out, threads):
    features = [f"--features={name}={folder}/{name}/*.npy" for name in WIDTHS]
    subprocess.run([program, "data", "import", *features, "--labels", f"{folder}/labels.csv", "--split-column", "part",
                    "--shards", "4", "--threads", str(threads), "--quiet", "--out", out],
                   check=True, stdout=subprocess.DEVNULL)


def feature(array):
    if array.dtype == np.uint8:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[array.tobytes()]))
    return tf.train.Feature(float_list=tf.train.FloatList(value=array))


def with_tensorflow(folder, out):
    os.makedirs(out)
    writers = {part: tf.io.TFRecordWriter(f"{out}/{part}-00000.tfrecord") for part in ("train", "validate")}
    with open(f"{folder}/labels.csv") as labels:
        next(labels)
        for line in labels:
            video, classes, part = line.strip().split(",")
            lists = {name: tf.train.FeatureList(feature=[feature(frame) for frame in np.load(f"{folder}/{name}/{video}.npy")])
                     for name in WIDTHS}
            numbers = tf.train.Int64List(value=[int(label) for label in classes.split(";")])
            example = tf.train.SequenceExample(
                context=tf.train.Features(feature={
                    "id": tf.train.Feature(bytes_list=tf.train.BytesList(value=[video.encode()])),
                    "labels": tf.train.Feature(int64_list=numbers)}),
                feature_lists=tf.train.FeatureLists(feature_list=lists))
            writers[part].write(example.SerializeToString())
    for writer in writers.values():
        writer.close()


def seen(out, limit):
    """The first videos of all files, by id, as TensorFlow reads them."""
    videos = {}
    for name in sorted(os.listdir(out)):
        if not name.endswith(".tfrecord"):
            continue
        for record in tf.data.TFRecordDataset(f"{out}/{name}"):
            example = tf.train.SequenceExample.FromString(record.numpy())
            video = example.context.feature["id"].bytes_list.value[0]
            if int(video[1:]) >= limit:
                continue
            videos[video] = (list(example.context.feature["labels"].int64_list.value), {
                key: [frame.SerializeToString() for frame in frames.feature]
                for key, frames in example.feature_lists.feature_list.items()})
    return videos


def processor_seconds(who):
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("beamgrid")
    parser.add_argument("--videos", type=int, default=2000)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--values", nargs="+", choices=("uint8", "float32"), default=("uint8", "float32"))
    arguments = parser.parse_args()
    for kind in arguments.values:
        with tempfile.TemporaryDirectory() as folder:
            make(folder, arguments.videos, arguments.frames, kind)
            ours, theirs, ours_cpu, theirs_cpu = [], [], [], []
            for turn in range(3):
                for times, cpu, who, convert in (
                        (ours, ours_cpu, resource.RUSAGE_CHILDREN,
                         lambda out: with_beamgrid(arguments.beamgrid, folder, out, arguments.threads)),
                        (theirs, theirs_cpu, resource.RUSAGE_SELF, lambda out: with_tensorflow(folder, out))):
                    out = f"{folder}/{'ours' if times is ours else 'theirs'}"
                    shutil.rmtree(out, ignore_errors=True)
                    begin, begin_cpu = time.perf_counter(), processor_seconds(who)
                    convert(out)
                    times.append(time.perf_counter() - begin)
                    cpu.append(processor_seconds(who) - begin_cpu)
            if seen(f"{folder}/ours", 100) != seen(f"{folder}/theirs", 100):
                sys.exit(f"{kind}: the records differ")
            print(f"{kind}: {arguments.videos} videos of {arguments.frames} frames, {arguments.threads} thread(s): beamgrid "
                  f"{min(ours):.2f} s, TensorFlow {min(theirs):.2f} s, {min(theirs) / min(ours):.1f} times; of the processor "
                  f"{min(ours_cpu):.2f} s and {min(theirs_cpu):.2f} s, {min(theirs_cpu) / min(ours_cpu):.1f} times; the same records",
                  flush=True)


if __name__ == "__main__":
    main()
