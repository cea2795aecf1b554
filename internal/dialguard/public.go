package dialguard

import "net/netip"

func prefixes(all ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(all))
	for i, text := range all {
		out[i] = netip.MustParsePrefix(text)
	}
	return out
}

// special are address blocks that no public service has, beside those that net/netip knows (IANA, "IPv4 and IPv6
// Special-Purpose Address Registries").
var special = prefixes(
	"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20",
)

// global is where IPv6 has all its public addresses so far (IANA, "IPv6 Global Unicast Address Assignments").
var global = netip.MustParsePrefix("2000::/3")

// translated is where IPv6-only networks reach IPv4 addresses (RFC 6052).
var translated = netip.MustParsePrefix("64:ff9b::/96")

func public(addr netip.Addr) bool {
	addr = addr.Unmap()
	if translated.Contains(addr) {
		bytes := addr.As16()
		addr = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	if addr.Is6() && !global.Contains(addr) || !addr.IsGlobalUnicast() || addr.IsPrivate() || addr.Zone() != "" {
		return false // loopback, link-local, multicast and unspecified ones are no global unicast
	}
	for _, block := range special {
		if block.Contains(addr) {
			return false
		}
	}
	return true
}
