"""Images a second of a real run: ResNet-34 on CIFAR-10, batch 512, bfloat16, two epochs.

    python benchmarks/throughput.py

The run goes through `train.run.loop`, evaluation and checkpoints too; what counts is the median
over the chunks of the second epoch, when everything is compiled. One line is added to
`benchmarks/throughput.jsonl`. At a small size, to try it: `--dataset digits --width 8
--batch-size 64`.
"""

import argparse
import dataclasses
import json
import statistics
import tempfile
from pathlib import Path

import log_anneal as la
from train.config import Config
from train.folder.log import read_metrics
from train.models import ModelConfig
from train.run.loop import run

RESULTS = Path(__file__).with_suffix(".jsonl")


def main() -> None:
    """Runs, prints and records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--model", default="resnet34")
    parser.add_argument("--width", type=int)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--batch-size", type=int, default=512)
    parser.add_argument("--engine", default="pmap")
    arguments = parser.parse_args()
    config = Config(
        dataset=arguments.dataset,
        model=ModelConfig(name=arguments.model, width=arguments.width, dtype=arguments.dtype),
        batch_size=arguments.batch_size,
        engine=arguments.engine,
        epochs=2,
        chunk_steps=16,
        schedule=la.cyclical_log_schedule(
            peak_value=0.1, end_value=0.001, warmup_steps=1, decay_steps=1
        ),
    )
    with tempfile.TemporaryDirectory() as folder:
        run(config, Path(folder) / "run")
        lines = read_metrics(Path(folder) / "run" / "metrics.jsonl")
        summary = json.loads((Path(folder) / "run" / "summary.json").read_text())
    # A chunk's lines share its speed; the first chunk of the second epoch waits for the checkpoint.
    second = [line for line in lines if line["kind"] == "train" and line["epoch"] > 1]
    chunks = dict.fromkeys(line["images_per_second"] for line in second)
    record = {
        "images_per_second": round(statistics.median(chunks), 1),
        "slowest_chunk": min(chunks),
        "chunks": len(chunks),
        **{name: summary[name] for name in ("device", "date", "versions", "parameters", "seconds")},
        **dataclasses.asdict(config.model),
        "dataset": config.dataset,
        "batch_size": config.batch_size,
        "engine": config.engine,
    }
    with RESULTS.open("a") as file:
        file.write(json.dumps(record) + "\n")
    print(f"{record['images_per_second']:,} images/s on {record['device']}; see {RESULTS}")


if __name__ == "__main__":
    main()
