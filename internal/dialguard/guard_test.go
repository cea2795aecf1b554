package dialguard_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/internal/dialguard"
)

func TestThreat09_AddressesThatAppleCannotHave(t *testing.T) {
	for _, text := range []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::a9fe:a9fe", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2002:a9fe:a9fe::1", "100::1", "3fff::1", "5f00::1", "4000::1", "100:0:0:1::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::a00:1", "64:ff9b:1::1",
		"2620:149::1%eth0",
	} {
		assert.False(t, dialguard.Public(netip.MustParseAddr(text)), text)
	}
	for _, text := range []string{"17.253.144.10", "172.32.0.1", "100.128.0.1", "2620:149:a44::1", "64:ff9b::11fd:900a", "::ffff:17.253.144.10"} {
		assert.True(t, dialguard.Public(netip.MustParseAddr(text)), text)
	}
	for text, want := range map[string]bool{
		"127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"10.0.0.1": false, "0.0.0.0": false, "::": false, "169.254.169.254": false, "17.253.144.10": false,
	} {
		assert.Equal(t, want, dialguard.Loopback(netip.MustParseAddr(text)), text)
	}
}
