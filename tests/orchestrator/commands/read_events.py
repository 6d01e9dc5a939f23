"""Prints what TensorBoard's own reader finds in a folder of event files, as JSON."""

import json
import pathlib
import sys

from tensorboard.backend.event_processing import plugin_event_accumulator
from tensorboard.plugins.hparams import metadata, plugin_data_pb2

found = {}
for run in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    events = plugin_event_accumulator.EventAccumulator(str(run))
    events.Reload()
    tags = {}
    for tag in events.PluginTagToContent("scalars"):
        tags[tag] = [
            [event.wall_time, event.step, event.tensor_proto.float_val[0]] for event in events.Tensors(tag)
        ]
    hparams, status = {}, None
    for content in events.PluginTagToContent(metadata.PLUGIN_NAME).values():
        data = plugin_data_pb2.HParamsPluginData.FromString(content)
        if data.HasField("session_end_info"):
            status = data.session_end_info.status
        for name, value in data.session_start_info.hparams.items():
            hparams[name] = getattr(value, value.WhichOneof("kind"))
    found[run.name] = {"scalars": tags, "hparams": hparams, "status": status}
print(json.dumps(found))
