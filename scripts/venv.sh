#!/bin/sh
# Installs the Python packages of a requirements file into a virtual environment. Does nothing when the environment is up
# to date.
#
# Usage: scripts/venv.sh REQUIREMENTS FOLDER [OPTION OF PIP...]
set -eu

requirements=$1
venv=$2
shift 2
stamp="$venv/installed-requirements.txt"

if [ -x "$venv/bin/python" ] && cmp -s "$requirements" "$stamp"; then
    echo "$venv is up to date" >&2
    exit 0
fi
"${PYTHON:-python3}" -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check "$@" -r "$requirements"
cp "$requirements" "$stamp"
echo "installed into $venv" >&2
