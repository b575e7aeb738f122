#!/bin/busybox sh
# First process of the test guest: bring the network up as an Android emulator has it, run the steps, power off.
/bin/busybox --install -s /bin 2>/dev/null
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
for module in $(cat /modules/order); do insmod "/modules/$module" 2>/dev/null; done # some are for other processors
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
echo "nameserver 10.0.2.3" >/etc/resolv.conf
echo "GUEST-UP"
sh /steps.sh
echo "GUEST-DONE"
poweroff -f
