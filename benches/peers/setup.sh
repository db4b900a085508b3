#!/bin/sh
# Installs TensorFlow and PyTorch, with which compare.py compares the engine, into a virtual environment: .venv-peers at
# the root of the repository, or the folder that is given. Does nothing when the environment is up to date. PyTorch
# brings its libraries for GPUs along: a few GB.
#
# Usage: benches/peers/setup.sh [FOLDER]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-"$here/../../.venv-peers"}
requirements="$here/requirements.txt"
stamp="$venv/peers-requirements.txt"

if [ -x "$venv/bin/python" ] && cmp -s "$requirements" "$stamp"; then
    echo "peers: $venv is up to date" >&2
    exit 0
fi
python=${PYTHON:-python3}
"$python" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements"
cp "$requirements" "$stamp"
echo "peers: installed into $venv" >&2
