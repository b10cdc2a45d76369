# What the scripts of this folder share; read with '.', not run. Expects nothing, sets ROOT and works from there.

ROOT=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
cd "$ROOT" || exit 1

# A clone that belongs to somebody else than root is still ours to read.
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'

say()
{
	printf '%s\n' "$*"
}

fail()
{
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

need_root()
{
	[ "$(id -u)" -eq 0 ] || fail "this needs root, because it makes network namespaces: sudo scripts/${0##*/}"
}

# Runs a command quietly; what it said is shown only if it fails.
quietly()
{
	_log=$(mktemp) || exit 1
	if "$@" >"$_log" 2>&1 </dev/null; then
		rm -f "$_log"
		return 0
	fi
	tail -n 60 "$_log" >&2
	rm -f "$_log"
	return 1
}

# The same surroundings for everybody: no home folder, no terminal, one language.
plain()
{
	env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TERM=dumb \
		PYTHONDONTWRITEBYTECODE=1 ${POSTERN_LONG:+POSTERN_LONG="$POSTERN_LONG"} "$@" </dev/null
}

# configure FOLDER [OPTION...]: a meson build folder, made once.
configure()
{
	_folder=$1
	shift
	if [ ! -f "$_folder/build.ninja" ]; then
		rm -rf "$_folder"
		quietly plain meson setup "$_folder" "$@" || fail "meson could not configure $_folder"
	fi
}

build()
{
	quietly plain ninja -C "$1" || fail "$1 does not build"
}
