# The checkout's .venv: the packages of requirements.lock, by hash, and this project, editable. Sourced by setup.sh.
#
# Two stamps say what the venv holds. Each is written only after its step has succeeded, so a venv whose making was
# cut short carries none and is made again.
#
# PYTHON names the interpreter to make it with (default: the first of python3, python3.13, python3.12, python3.11 that
# is 3.11 or newer).
#
# shellcheck shell=bash

venv=$checkout/.venv
pip=("$venv/bin/python" -m pip install --no-input --disable-pip-version-check)
packages_stamp=$venv/.packages-stamp
project_stamp=$venv/.project-stamp

# A venv holds absolute paths, so a checkout that was moved needs a new one.
wanted_packages() {
    printf 'checkout %s\n' "$checkout"
    sha256sum <"$checkout/requirements.lock"
}

# An editable install maps the top-level packages that existed when it was made.
wanted_project() {
    (cd "$checkout" && printf '%s\n' */__init__.py)
    sha256sum <"$checkout/pyproject.toml"
}

has_stamp() {
    [ "$(cat "$1" 2>/dev/null)" = "$2" ]
}

packages_are_current() {
    # The interpreter is run because an upgrade of the system's Python leaves a link to nothing.
    has_stamp "$packages_stamp" "$(wanted_packages)" && "$venv/bin/python" -c '' 2>/dev/null
}

# find_python: prints the interpreter to make the venv with, or ends the script.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    refuse "no Python 3.11 or newer was found${PYTHON:+ under PYTHON=$PYTHON}" \
        "remedy: sudo apt-get install python3 python3-venv, or name one: make setup PYTHON=/path/to/python3.11"
}

can_make_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

make_venv() {
    local python=$1
    rm -f -- "$packages_stamp" "$project_stamp" # first: half a removal must not keep them
    rm -rf -- "$venv"
    run_logged venv "making .venv with $("$python" --version)" "$python" -m venv "$venv"
    run_logged pip-packages "installing the locked packages into .venv, about a minute" \
        "${pip[@]}" --require-hashes --requirement "$checkout/requirements.lock"
    wanted_packages >"$packages_stamp"
}

install_project() {
    if has_stamp "$project_stamp" "$(wanted_project)"; then
        return
    fi
    rm -f -- "$project_stamp"
    run_logged pip-project "installing this project into .venv, editable" \
        "${pip[@]}" --no-deps --no-build-isolation --editable "$checkout"
    wanted_project >"$project_stamp"
}
