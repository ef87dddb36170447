"""`regard info`: what a model says about itself."""

from __future__ import annotations

import json

from regard.cli.loading import loading
from regard.cli.options import Json, Model, examples

EXAMPLES = examples("regard info model", "regard info model --json")


def info(model: Model, as_json: Json = False) -> None:
    """Show a model's kind, size, scores, signature and configuration; its files are checked against their hashes."""
    with loading():
        from regard.config.dump import dump_config
        from regard.store.model import open_model

    opened = open_model(model)
    manifest, config = opened.manifest, opened.config
    sizes = {name: path.stat().st_size for name, path in sorted(opened.files.items())}
    if as_json:
        told = {**manifest.model_dump(), "bytes": sizes, "config": config.model_dump()}
        print(json.dumps(told, ensure_ascii=False))
        return
    rows = {
        "model": str(model),
        "signature": manifest.signature,
        "parameters": f"{manifest.num_parameters:,}",
        "format": f"{manifest.format} {manifest.format_version}, written by regard {manifest.regard_version}",
        **{name: f"{size:,} bytes" for name, size in sizes.items()},
        **{key.replace("_", " "): str(value) for key, value in manifest.details.items()},
    }
    width = max(map(len, rows))
    for key, value in rows.items():
        print(f"{key:{width}}  {value}")
    print(f"\n{dump_config(config)}", end="")
