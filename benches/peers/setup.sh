#!/bin/sh
# Installs TensorFlow and PyTorch, with which compare.py compares the engine, into a virtual environment: .venv-peers at
# the root of the repository, or the folder that is given. Does nothing when the environment is up to date. PyTorch
# brings its libraries for GPUs along: a few GB.
#
# Usage: benches/peers/setup.sh [FOLDER]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
"$here/../../scripts/venv.sh" "$here/requirements.txt" "${1:-"$here/../../.venv-peers"}"
