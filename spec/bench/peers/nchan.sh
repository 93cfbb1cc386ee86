#!/bin/sh
# nchan.sh PORT - nginx with Nchan in a folder of its own, build/bench/nchan
set -eu
port=$1
peers=$(cd "$(dirname "$0")" && pwd)
folder=$(cd "$peers/../../.." && pwd)/build/bench/nchan
mkdir -p "$folder"
sed -e "s|MODULE|${NCHAN_MODULE:-/usr/lib/nginx/modules/ngx_nchan_module.so}|" \
  -e "s|FOLDER|$folder|" -e "s|PORT|$port|" "$peers/nchan.conf" >"$folder/nginx.conf"
nginx=$(command -v nginx || echo /usr/sbin/nginx)
# nginx says nothing by itself.
(
  tries=0
  until grep -q ":$(printf '%04X' "$port") 00000000:0000 0A" /proc/net/tcp; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || exit 1
    sleep 0.05
  done
  echo "ready $port"
) &
exec "$nginx" -p "$folder" -c "$folder/nginx.conf" -e "$folder/error.log"
