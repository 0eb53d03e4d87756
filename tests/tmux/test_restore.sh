#!/usr/bin/env bash
# The terminal is given back after every way to die: modes as before, main screen,
# cursor on, mouse off, and the exit status says which signal it was. In tmux, which
# tells what state a program left its terminal in. $COMPREXIT is the program.
set -u
command -v tmux >/dev/null || { echo "no tmux"; exit 77; }
root=$(cd "$(dirname "$0")/../.." && pwd)
program=$(realpath "${COMPREXIT:-$root/build/release/comprexit}")
golden=${COMPREXIT_GOLDEN:-$root/tests/golden}
[ -d "$golden/modelA" ] || { echo "no golden models"; exit 77; }
work=$(mktemp -d)
socket=comprexit-test-$$
trap 'tmux -L $socket kill-server 2>/dev/null; rm -rf "$work"' EXIT
export XDG_STATE_HOME=$work OMP_NUM_THREADS=1
# A sanitizer would take the signals for itself; here the program's own handler counts.
export ASAN_OPTIONS=handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_abort=0
failed=0

# wait_until SECONDS COMMAND...: polls; false when the time is over.
wait_until() {
    local end=$((SECONDS + $1))
    shift
    until "$@" 2>/dev/null; do
        [ $SECONDS -ge $end ] && return 1
        sleep 0.05
    done
}
flags() { tmux -L $socket display -p -t "$1" '#{alternate_on} #{cursor_flag} #{mouse_any_flag}'; }
flags_are() { [ "$(flags "$1")" = "$2" ]; }
shows() { tmux -L $socket capture-pane -p -t "$1" | grep -q "$2"; }

# One window: modes before, the program with its process id in a file, status, modes
# after; then it stays, to be looked at.
cat >"$work/pane" <<'SCRIPT'
stty -a >"$work/$1.before"
sh -c 'echo $$ >"$work/$0.pid"; exec "$@"' "$1" "$program" "$root/assets/saltworks.txt" \
    -m "$golden/modelA" -c "$golden/compressorA.safetensors" --rc none 2>"$work/$1.errors"
echo $? >"$work/$1.status"
stty -a >"$work/$1.after"
sleep 1000
SCRIPT
export work program root golden
tmux -L $socket -f /dev/null new-session -d -x 100 -y 30 'sleep 1000'

# check NAME SIGNAL STATUS: SIGNAL quit presses q.
check() {
    local name=$1 signal=$2 want=$3 problem=
    tmux -L $socket new-window -n "$name" "sh $work/pane $name"
    wait_until 120 shows "$name" '? help' || problem="did not start"
    wait_until 120 flags_are "$name" '1 1 1' || problem="${problem:-state while running: $(flags "$name")}"
    if [ "$signal" = quit ]; then
        tmux -L $socket send-keys -t "$name" q
    else
        kill -"$signal" "$(cat "$work/$name.pid")"
    fi
    wait_until 120 test -s "$work/$name.after" || problem="${problem:-did not end}"
    wait_until 120 flags_are "$name" '0 1 0' || problem="${problem:-state afterwards: $(flags "$name")}"
    local status
    status=$(cat "$work/$name.status" 2>/dev/null)
    [ "$status" = "$want" ] || problem="${problem:-status $status, expected $want}"
    cmp -s "$work/$name.before" "$work/$name.after" || problem="${problem:-terminal modes changed}"
    tmux -L $socket kill-window -t "$name"
    if [ -n "$problem" ]; then
        echo "FAILED $name: $problem"
        cat "$work/$name.errors"
        failed=1
    else
        echo "ok $name"
    fi
}

check quit quit 0
for signal in SEGV ABRT BUS FPE TERM HUP INT; do
    check $signal $signal $((128 + $(kill -l $signal)))
done
exit $failed
