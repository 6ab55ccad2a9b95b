#!/bin/sh
# Installs the Debian packages that building and testing need, where any is missing. As an ordinary user it only
# looks, and says what to ask for. Further packages may be named as arguments.
set -u
packages="gcc libc6-dev pkg-config libevent-dev liblmdb-dev libssl-dev libsodium-dev libcmocka-dev
libprotobuf-c-dev protobuf-c-compiler libjansson-dev libinih-dev libcsv-dev libcurl4-openssl-dev
python3-minimal python3 openssl lmdb-utils clang-format systemd mandoc"
missing=""
for package in $packages "$@"; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=""
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ]; then
	echo "installing:$missing"
	DEBIAN_FRONTEND=noninteractive
	export DEBIAN_FRONTEND
	# shellcheck disable=SC2086
	apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
		{ apt-get update && apt-get install -y --no-install-recommends $missing; } || exit 1
	exit 0
fi
echo "These Debian packages are missing. Ask an administrator to run:" >&2
echo "	apt-get install$missing" >&2
exit 1
