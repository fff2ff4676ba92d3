"""The policy a project itself suggests, for projects that have none written down."""

from sessionlint.infer.inference import infer_from, infer_policy, under

__all__ = ["infer_from", "infer_policy", "under"]
