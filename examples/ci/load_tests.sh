#!/usr/bin/env bash
# The load tests of a WebSocket server, by occasion:
#
#   development   load_tests.sh daily              light
#                 load_tests.sh pre-commit         medium
#                 load_tests.sh release            heavy and stress
#   staging       load_tests.sh weekly             all four
#                 load_tests.sh before-deployment  stress
#                 load_tests.sh after-deployment   light, without a single error
#   production    load_tests.sh monthly            medium, off-peak: start it when few are there
#                 load_tests.sh quarterly          capacity: the most clients that are served well
#                 load_tests.sh after-incident     light again and again, compared with the archive
#
# or one of them alone: light, medium, heavy, stress. From cron, daily at 3:17:
#
#   17 3 * * *  WSBENCH_URL=ws://dev.example.org/ws  /path/to/load_tests.sh daily
#
# WSBENCH_URL       what is tested: ws://host:port/path
# WSBENCH           the program [wsbench]
# WSBENCH_OPTIONS   more options of every run, such as --bearer env:TOKEN
# WSBENCH_ARCHIVE   the folder that keeps the runs [load-tests/archive]
# WSBENCH_REPORTS   the folder of the latest pages (HTML) and JUnit files [load-tests/reports]
# WSBENCH_STEP      how long each step of the search for the capacity is measured [30s]
# WSBENCH_CLIENTS   the most clients that the capacity is looked for with [6400]
# WSBENCH_RUNS      how many runs are compared with the archive [8]
#
# The exit code is wsbench's, of the first run that had another than 0: 99 an expectation was missed or a figure is worse than in the archive,
# 3 the generator was the limit, 2 nothing could connect, 104 something is wrong with what was asked for.
set -euo pipefail

wsbench=${WSBENCH:-wsbench}
url=${WSBENCH_URL:-}
read -ra options <<<"${WSBENCH_OPTIONS:-}"
archive=${WSBENCH_ARCHIVE:-load-tests/archive}
reports=${WSBENCH_REPORTS:-load-tests/reports}
step=${WSBENCH_STEP:-30s}
most_clients=${WSBENCH_CLIENTS:-6400}
runs=${WSBENCH_RUNS:-8}

refuse() {
  echo "load_tests.sh: $1" >&2
  exit 104
}

code=0   # of the first run that did not pass
result=0 # of the last run
keep_code() { [ "$code" -ne 0 ] || code=$result; }

# run NAME FOLDER COMMAND...: the run is kept in the folder, its page and JUnit file have the name.
run() {
  local name=$1 folder=$2
  shift 2
  mkdir -p "$folder" "$reports"
  result=0
  "$wsbench" "$@" "${options[@]}" --archive "$folder" --junit "$reports/$name.xml" --html "$reports/$name.html" || result=$?
}

standard() {
  local load
  for load in "$@"; do
    run "$load" "$archive" "$load" "$url"
    keep_code
  done
}

check() {
  run check "$archive" light "$url" --expect "errors == 0"
  keep_code
}

# The most clients, a message a second from each, for whom holds what users of a chat expect.
capacity() {
  mkdir -p "$archive" "$reports"
  result=0
  "$wsbench" capacity "$url" "${options[@]}" --from 100 --to "$most_clients" --step "$step" --think 1s --slo chat \
    --expect "success_rate > 99%" --expect "connection_success_rate > 99%" --archive "$archive" --json "$reports/capacity.json" \
    --html "$reports/capacity.html" | tee "$reports/capacity.txt" || result=$?
  keep_code
  [ -z "${GITHUB_STEP_SUMMARY:-}" ] || printf '%s\n\n' "$(head -n 1 "$reports/capacity.txt")" >>"$GITHUB_STEP_SUMMARY"
}

# The runs stay out of the archive: what follows an incident is no measure for later.
regression() {
  local number now
  now="$reports/regression-$(date -u +%Y%m%dT%H%M%SZ)"
  for ((number = 0; number < runs; ++number)); do
    run regression "$now" light "$url"
    keep_code
  done
  result=0
  "$wsbench" compare "$archive" "$now" --fail-on-regression || result=$?
  keep_code
}

occasions="daily, pre-commit, release, weekly, before-deployment, after-deployment, monthly, quarterly, after-incident"
[ $# -eq 1 ] || refuse "give one of $occasions, light, medium, heavy, stress"
[ -n "$url" ] || refuse "WSBENCH_URL is not set: say what to test, such as ws://127.0.0.1:8000/ws"
case $1 in
  daily) standard light ;;
  pre-commit | monthly) standard medium ;;
  release) standard heavy stress ;;
  weekly) standard light medium heavy stress ;;
  before-deployment) standard stress ;;
  after-deployment) check ;;
  quarterly) capacity ;;
  after-incident) regression ;;
  light | medium | heavy | stress) standard "$1" ;;
  *) refuse "\"$1\" is no occasion: give one of $occasions, light, medium, heavy, stress" ;;
esac
exit "$code"
