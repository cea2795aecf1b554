package apns

import "bytes"

// sniff says what a file is that is surely no certificate; empty: it may be one.
func sniff(text []byte) FileKind {
	switch {
	case len(text) == 0:
		return FileEmpty
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return FileZip
	}
	head := bytes.ToLower(text[:min(len(text), 512)])
	switch {
	case bytes.HasPrefix(head, []byte("<!doctype html")), bytes.HasPrefix(head, []byte("<html")):
		return FileHTML
	case bytes.HasPrefix(head, []byte("<?xml")), bytes.HasPrefix(head, []byte("<plist")), bytes.HasPrefix(head, []byte("bplist0")):
		return FilePlist
	case bytes.Contains(head, []byte("pkcs7-mime")), isMessage(text):
		return FileServerToken
	}
	return ""
}

// oidPKCS7 is how the type of a CMS message begins: 1.2.840.113549.1.7.
var oidPKCS7 = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07}

// isMessage reports whether the first thing inside is the type of a CMS message.
func isMessage(der []byte) bool {
	at := bytes.Index(der[:min(len(der), 16)], oidPKCS7)
	return der[0] == sequence && at >= 2 && at <= 6
}

// pemKind says what a text without certificate and key is.
func pemKind(text []byte) FileKind {
	for _, known := range []struct {
		label string
		kind  FileKind
	}{
		{"CERTIFICATE REQUEST", FileRequest}, {"NEW CERTIFICATE REQUEST", FileRequest},
		{"PKCS7", FileServerToken}, {"CMS", FileServerToken}, {"CERTIFICATE", FileDamaged},
	} {
		if bytes.Contains(text, []byte("-----BEGIN "+known.label+"-----")) {
			return known.kind
		}
	}
	return FileUnknown
}
