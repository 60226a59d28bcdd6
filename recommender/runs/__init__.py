"""Run folders: their files, status, log, checkpoints and studies."""
