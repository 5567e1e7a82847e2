#!/usr/bin/env bash
# The Debian packages that `make test` stands on: what `make setup` needs, Chromium and a font for the reports,
# PostgreSQL and a Docker engine for the optional back ends. `make test` calls it first.
#
# As root it installs what is missing; otherwise it names all of it in one message with the remedy, and ends with exit
# code 1 before any check or test runs. It starts nothing: a test starts what it needs.
set -euo pipefail
scripts=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=scripts/steps.sh
source "$scripts/steps.sh"
# shellcheck source=scripts/venv.sh
source "$scripts/venv.sh"

packages=()

# need PACKAGE COMMAND...: one working COMMAND is enough, whoever installed it (Docker's own packages exclude Debian's).
need() {
    local package=$1 command
    shift
    for command in "$@"; do
        command -v "$command" >/dev/null && return
    done
    packages+=("$package")
}

need rabbitmq-server "$machine_root/usr/lib/rabbitmq/bin/rabbitmq-server"
need chromium chromium
need postgresql "$machine_root"/usr/lib/postgresql/*/bin/postgres
need docker.io dockerd
# DejaVu has every letter of Vietnamese; Chromium without a font draws boxes.
[ -e "$machine_root/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf" ] || packages+=(fonts-dejavu-core)

# What scripts/setup.sh would miss next, so that an ordinary user gets one message and not two.
if ! packages_are_current; then
    python=$(find_python)
    can_make_venv "$python" || packages+=(python3-venv)
fi

if ((${#packages[@]} > 0)); then
    bash "$scripts/apt_install.sh" "${packages[@]}"
fi
say "the parts that tests need are installed: RabbitMQ, Chromium, a font, PostgreSQL, a Docker engine"
