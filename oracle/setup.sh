#!/bin/sh
# Installs the interpreters against which the int8 arithmetic is checked, TensorFlow Lite for Microcontrollers
# and LiteRT, and the libraries whose files the readers of data sets must understand, into a virtual environment: .venv at
# the root of the repository, or the folder that is given.
# Does nothing when the environment is up to date.
#
# Usage: oracle/setup.sh [FOLDER]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
# --pre: tflite-micro publishes development releases only; they are pinned in requirements.txt.
"$here/../scripts/venv.sh" "$here/requirements.txt" "${1:-"$here/../.venv"}" --pre
