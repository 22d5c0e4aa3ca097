# The stages of .ci/run, one function each; sourced by it. A stage gets what stands behind its colon, or nothing.
# shellcheck shell=bash

# The test command of the README, word for word; the environment adds what only CI wants to know.
stage_tests() {
    PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --color=no --cov --cov-report= --cov-fail-under=$COVERAGE_FLOOR" \
        bash -c 'pip install uv && uv run pytest'
}
readonly COVERAGE_FLOOR=85

# The tests of the workspace itself: documents, house rules, the lock, the tools.
stage_workspace() {
    need_uv run pytest --color=no tests
}

stage_lint() {
    with_lint_tools ruff check .
    with_lint_tools ruff format --check .
}

stage_types() {
    with_lint_tools pyright
}

stage_imports() {
    with_lint_tools lint-imports
}

# Each package by itself: what it declares (its group `dev` holds what only its tests need) and the test tools. So a
# forgotten dependency cannot hide behind a sibling. Here and with other versions the suites are brief: what takes long
# in them depends on neither, and stage `tests` has run it all.
stage_isolated() {
    local package packages failed=()
    packages=$(packages_asked_for "$1")
    for package in $packages; do
        printf '\n-- %s\n' "$package"
        need_uv run --isolated --all-extras --package "$package" \
            --with-editable ./conformance "${TEST_TOOLS[@]}" \
            pytest --color=no --brief-suites "$(folder_of "$package")/tests" || failed+=("$package")
    done
    [ ${#failed[@]} = 0 ] || { echo "failed by themselves: ${failed[*]}"; return 1; }
}
TEST_TOOLS=(--with pytest-xdist --with pytest-randomly --with pytest-timeout)

# Everything with the oldest versions that the packages say they accept.
stage_lowest() {
    test_with_versions lowest-direct
}

# Everything with the newest versions there are, whatever the lock says.
stage_highest() {
    test_with_versions highest
}

# What a user gets: wheels made from the source archives, in an environment far from the checkout.
stage_wheels() {
    local dist=$SCRATCH/dist environment=$SCRATCH/wheels-venv
    need_uv build --quiet --all-packages --out-dir "$dist"
    ls "$dist"
    need_uv venv --quiet "$environment"
    need_uv pip install --quiet --python "$environment" "$dist"/*.whl
    mkdir "$SCRATCH/elsewhere"
    cd "$SCRATCH/elsewhere" || return
    HOME=$PWD XDG_DATA_HOME=$PWD/data "$(python_in "$environment")" -I "$ROOT/tools/smoke.py" "$ROOT"
}

# ---- what the stages share ----

test_with_versions() {
    local environment=$SCRATCH/$1-venv editable=() folder
    for folder in packages/* conformance; do editable+=(--editable "./$folder"); done
    need_uv venv --quiet "$environment"
    need_uv pip install --quiet --python "$environment" --resolution "$1" --upgrade "${editable[@]}" --group dev
    need_uv pip list --python "$environment"
    "$(python_in "$environment")" -m pytest --color=no --brief-suites
}

with_lint_tools() {
    need_uv run --quiet --all-groups "$@"
}

need_uv() {
    command -v uv > /dev/null || pip install uv
    uv "$@"
}

python_in() {
    if [ -d "$1/Scripts" ]; then echo "$1/Scripts/python"; else echo "$1/bin/python"; fi
}

packages_asked_for() {
    if [ -n "$1" ]; then
        echo "$1"
    else
        python3 tools/affected.py --all | tr -d '[],"'
    fi
}

folder_of() {
    if [ "$1" = medha-conformance ]; then echo conformance; else echo "packages/$1"; fi
}
