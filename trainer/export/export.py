HERE = pathlib.Path(__file__).resolve().parent


def read_tensors(path):
    """The tensors of a safetensors file by name."""
    data = bytearray(pathlib.Path(path).read_bytes())
    # 8 bytes say how long the JSON header is; the tensors' bytes are behind it.
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)
    types = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "U8": torch.uint8,
             "I8": torch.int8, "I32": torch.int32, "I64": torch.int64}
    tensors = {}
    for name, entry in header.items():
        begin, end = (start + offset for offset in entry["data_offsets"])
        values = torch.frombuffer(data[begin:end], dtype=types[entry["dtype"]])
        tensors[name] = values.reshape(entry["shape"])
    return tensors


def load(folder=HERE):
    """The trained model of a folder, ready to predict."""
    folder = pathlib.Path(folder)
    model = Model(json.loads((folder / "config.json").read_text()))
    weights = read_tensors(folder / "model.safetensors")
    #if precision == int8
    for name in [name for name in weights if name.endswith(".table")]:
        table = weights.pop(name)  # each byte is the number of one of its entries
        quantised = name[:-len(".table")]
        weights[quantised] = table[weights[quantised].long()]
    #endif
    model.load_state_dict(weights)
    return model.eval()


def self_test(folder=HERE):
    """Predicts the sample of a folder. Returns the largest difference from what beamgrid says."""
    sample = read_tensors(pathlib.Path(folder) / "sample.safetensors")
    expected = sample.pop("probabilities")
    return (predict(load(folder), **sample) - expected).abs().max().item()
