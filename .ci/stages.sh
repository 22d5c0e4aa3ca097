# The stages of .ci/run, one function each; sourced by it. A stage gets what stands behind its colon, or nothing.
# shellcheck shell=bash

# The test command of the README, word for word; the environment adds what takes long, and what only CI wants to know.
stage_tests() {
    PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --suites=full --color=no --cov --cov-report= --cov-fail-under=$COVERAGE_FLOOR" \
        bash -c 'pip install uv && uv run pytest'
}
readonly COVERAGE_FLOOR=85

# The tests of the workspace itself: documents, house rules, the lock, the tools.
stage_workspace() {
    need_uv run pytest --suites=full --color=no tests
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

# Each package by itself: what it declares (its group `dev` holds what only its tests need), the suite and the test
# tools, so that a forgotten dependency cannot hide behind a sibling. Here and with other versions the suites are brief:
# what takes long in them depends on neither, and stage `tests` has run it all.
stage_isolated() {
    each_package test_alone "$1"
}

# The same, with the oldest versions that the package says it accepts.
stage_lowest() {
    each_package test_at_lowest "$1"
}

# Everything with the newest versions there are, whatever the lock says.
stage_highest() {
    local environment=$SCRATCH/highest editable=() package
    for package in $(packages_asked_for "") medha-conformance; do editable+=(--editable "./$(folder_of "$package")"); done
    need_uv venv --quiet "$environment"
    need_uv pip install --quiet --python "$environment" --resolution highest --upgrade "${editable[@]}" --group dev
    need_uv pip list --python "$environment"
    "$(python_in "$environment")" -m pytest --color=no
}

# The packages that need PyTorch, whose tests are skipped in every other stage (tools/torch_tests.py says why): where pip
# has the build of PyTorch that does without the libraries for graphics cards.
stage_pytorch() {
    PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --color=no" python3 tools/torch_tests.py --if-small --venv "$SCRATCH/pytorch"
}

# What a user gets, but for PyTorch: wheels made from the source archives, far from the checkout; all of them in one
# environment, then each in one of its own.
stage_wheels() {
    local dist=$SCRATCH/dist environment=$SCRATCH/wheels-venv
    need_uv build --quiet --all-packages --out-dir "$dist"
    ls "$dist"
    need_uv venv --quiet "$environment"
    need_uv pip install --quiet --python "$environment" $(wheels_of "$dist" $(packages_asked_for ""))
    smoke "$environment" $(packages_asked_for "")
    each_package wheel_alone "$1"
}

# ---- what the stages share ----

# Run a function on each package that is asked for, as many at a time as there are processors: the tests of most packages
# are too few to be worth spreading over several. What each one printed comes in one piece when it is done.
each_package() {
    local test=$1 packages package lane failed=()
    packages=$(packages_asked_for "$2")
    mkdir -p "$SCRATCH/$test"
    for lane in $(lanes); do take_packages "$test" $packages & done
    wait
    for package in $packages; do
        [ "$(cat "$SCRATCH/$test/$package/code")" = 0 ] || failed+=("$package")
    done
    [ ${#failed[@]} = 0 ] || { echo "failed: ${failed[*]}"; return 1; }
}

# Who makes the folder has the package.
take_packages() {
    local test=$1 package mine code
    shift
    for package in "$@"; do
        mine=$SCRATCH/$test/$package
        mkdir "$mine" 2> /dev/null || continue
        set +e
        (set -e; "$test" "$package" $([ $# = 1 ] || echo --numprocesses=0)) > "$mine/log" 2>&1
        code=$?
        set -e
        printf '\n-- %s\n%s\n' "$package" "$(cat "$mine/log")"
        echo "$code" > "$mine/code"
    done
}

lanes() {
    python3 -c 'import os; print(*range(min(os.cpu_count() or 1, 4)))'
}

# With the command line, which lists what is there.
wheel_alone() {
    local environment=$SCRATCH/wheel-$1
    need_uv venv --quiet "$environment"
    need_uv pip install --quiet --python "$environment" --find-links "$SCRATCH/dist" \
        $(wheels_of "$SCRATCH/dist" $(printf '%s\n' "$1" medha-core medha-cli | sort -u))
    smoke "$environment" "$1"
}

smoke() {
    local environment=$1 elsewhere
    shift
    elsewhere=$(mktemp -d -p "$SCRATCH")
    (cd "$elsewhere" && HOME=$PWD XDG_DATA_HOME=$PWD/data "$(python_in "$environment")" -I "$ROOT/tools/smoke.py" "$ROOT" "$@")
}

test_alone() {
    local package=$1 tools=() tool
    shift
    for tool in "${TEST_TOOLS[@]}"; do tools+=(--with "$tool"); done
    need_uv run --isolated --all-extras --package "$package" --with-editable ./conformance "${tools[@]}" \
        pytest --color=no "$@" "$(folder_of "$package")/tests"
}

test_at_lowest() {
    local environment=$SCRATCH/lowest-$1 folder
    folder=$(folder_of "$1")
    shift
    need_uv venv --quiet "$environment"
    need_uv pip install --quiet --python "$environment" --resolution lowest-direct --all-extras \
        --requirements "$folder/pyproject.toml" --editable "./$folder" --editable ./conformance \
        $(dev_group_of "$folder") "${TEST_TOOLS[@]}"
    need_uv pip list --python "$environment"
    "$(python_in "$environment")" -m pytest --color=no "$@" "$folder/tests"
}
TEST_TOOLS=('pytest-xdist>=3.8' 'pytest-randomly>=4' 'pytest-timeout>=2.4')

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
        python3 tools/affected.py --all | tr -d '[],"' | tr ' ' '\n'
    fi
}

# What only the tests of the package need.
dev_group_of() {
    ! grep -q '^dev = ' "$1/pyproject.toml" || echo "--group $1/pyproject.toml:dev"
}

wheels_of() {
    local dist=$1 package
    shift
    for package in "$@"; do echo "$dist/${package//-/_}"-*.whl; done
}

folder_of() {
    if [ "$1" = medha-conformance ]; then echo conformance; else echo "packages/$1"; fi
}
