#!/bin/bash
# Builds the test guest from Debian packages into FOLDER: `vmlinuz` and `initrd.gz` (busybox, curl, wg, modules for virtio
# networks and WireGuard).
# Usage: build.sh FOLDER. Downloads the kernel package once; keeps what is already there. Writes nothing outside FOLDER.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
stamp=$(cat "$here/init.sh" "$0" | cksum)
[ -s "$out/initrd.gz" ] && [ -s "$out/vmlinuz" ] && [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ] && exit 0

for program in busybox curl wg cpio depmod modprobe; do
  PATH=$PATH:/sbin:/usr/sbin command -v $program >/dev/null || { echo "needs \`$program\` (Debian: busybox-static curl wireguard-tools cpio kmod)" >&2; exit 3; }
done
export PATH=$PATH:/sbin:/usr/sbin
work=$(mktemp -d "$out/build.XXXXXX")
trap 'rm -rf "$work"' EXIT

if ! ls "$out"/linux-image-*.deb >/dev/null 2>&1; then
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/{print $2; exit}')
  [ -n "$package" ] || { echo "apt knows no linux-image-cloud-amd64: run apt-get update" >&2; exit 3; }
  (cd "$out" && apt-get download -qq "$package" 2>/dev/null)
fi
dpkg -x "$out"/linux-image-*.deb "$work/kernel"
version=$(ls "$work/kernel/lib/modules")
depmod -b "$work/kernel" "$version"

root=$work/root
mkdir -p "$root"/{bin,dev,etc,modules,proc,sys,tmp,lib64}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$here/init.sh" "$root/init"
chmod 755 "$root/init"
for module in virtio_pci virtio_net wireguard; do modprobe -d "$work/kernel" -S "$version" --show-depends $module; done |
  awk '$1 == "insmod" && !seen[$2]++ {print $2}' >"$work/modules"
while read -r path; do
  cp "$path" "$root/modules/"
  basename "$path"
done <"$work/modules" >"$root/modules/order"
for program in curl wg; do
  install -D "$(command -v $program)" "$root/bin/$program"
  ldd "$(command -v $program)" | grep -o '/[^ ]*' | while read -r library; do install -D "$library" "$root$library"; done
done

(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) >"$work/initrd.gz"
cp "$work/kernel/boot/vmlinuz-$version" "$work/vmlinuz"
mv "$work/initrd.gz" "$work/vmlinuz" "$out/"
printf '%s\n' "$stamp" >"$out/stamp"
