package abmtoken

import "strings"

const maxFileName = 60

// reserved are the names that Windows gives to devices.
var reserved = map[string]bool{"con": true, "prn": true, "aux": true, "nul": true}

// FileName makes a name for the certificate's file from the server's name: "acme-mdm.pem" for "Acme MDM". It has
// lower-case letters, digits and dashes only, is never empty or hidden, and is safe on every system.
func FileName(server string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(server) {
		if b.Len() >= maxFileName {
			break
		}
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.TrimSuffix(b.String(), "-")
	if name == "" {
		return "server.pem"
	}
	port := len(name) == 4 && (strings.HasPrefix(name, "com") || strings.HasPrefix(name, "lpt"))
	if reserved[name] || port {
		name = "server-" + name
	}
	return name + ".pem"
}
