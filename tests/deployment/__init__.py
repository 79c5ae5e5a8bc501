"""What is needed to deploy, held against the code and run as far as that goes without the platforms."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
