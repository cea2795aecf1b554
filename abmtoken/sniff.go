package abmtoken

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// sniffBinary names well-known files of bytes; empty: it may be a message.
func sniffBinary(b []byte) FileKind {
	switch {
	case b[0] == sequence:
		return ""
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), bytes.HasPrefix(b, []byte("PK\x05\x06")):
		return FileZip
	case bytes.HasPrefix(b, []byte("%PDF-")):
		return FilePDF
	case bytes.HasPrefix(b, []byte("bplist0")):
		return FilePlist
	case len(bytes.Trim(b, "\x00")) == 0:
		return FileEmpty // a download that was allocated and never written
	default:
		return FileUnknown
	}
}

// sniffText names well-known files of text; empty: it may be a message.
func sniffText(text []byte) FileKind {
	head := bytes.ToLower(text[:min(len(text), 1024)])
	switch {
	case bytes.HasPrefix(text, []byte("%PDF-")):
		return FilePDF
	case bytes.HasPrefix(text, []byte("PK\x03\x04")):
		return FileZip
	case bytes.HasPrefix(text, []byte("bplist0")):
		return FilePlist
	case text[0] == '{' || text[0] == '[':
		return sniffJSON(text)
	case text[0] != '<':
		// The decrypted text may be below a header, with line ends in the middle of names.
		if start := bytes.IndexByte(text, '{'); start > 0 && sniffJSON(text[start:]) == FileTokenJSON {
			return FileTokenJSON
		}
		return ""
	case bytes.Contains(head, []byte("<plist")), bytes.Contains(head, []byte("doctype plist")):
		return FilePlist
	case bytes.Contains(head, []byte("<html")), bytes.Contains(head, []byte("<!doctype html")),
		bytes.Contains(head, []byte("<head")), bytes.Contains(head, []byte("<body")):
		return FileHTML
	default:
		return FileUnknown
	}
}

func sniffJSON(text []byte) FileKind {
	text = joined(text)
	has := func(name string) bool { return bytes.Contains(text, []byte(`"`+name+`"`)) }
	switch {
	case has("consumer_key") || has("access_token"):
		return FileTokenJSON
	case has("token") && (has("expDate") || has("orgName")):
		return FileContentToken
	default:
		return FileJSON
	}
}

// sniffHeader looks for messages that their MIME header already names.
func sniffHeader(header []byte) FileKind {
	header = bytes.ToLower(header)
	if bytes.Contains(header, []byte("multipart/signed")) || bytes.Contains(header, []byte("smime-type=signed")) {
		return FileSigned
	}
	return ""
}

// sniffDecoded names what base64 may hold instead of a message.
func sniffDecoded(b []byte) FileKind {
	switch {
	case b[0] == sequence:
		return ""
	case len(bytes.TrimSpace(b)) == 0:
		return FileUnknown
	default:
		return sniffText(bytes.TrimSpace(b))
	}
}

// sniffDER names an ASN.1 structure that the guard let through and that is no CMS message.
func sniffDER(der []byte) FileKind {
	if c, ok := readCertificate(der); ok {
		if isPush(c) {
			return FilePushCert
		}
		return FileCertificate
	}
	rest := cryptobyte.String(der)
	var body, first, second, third cryptobyte.String
	var tag1, tag2, tag3 asn1.Tag
	if !readElement(&rest, &body, asn1.SEQUENCE) || !readAny(&body, &first, &tag1) || !readAny(&body, &second, &tag2) {
		return FileUnknown
	}
	more := readAny(&body, &third, &tag3)
	switch {
	case tag1 == asn1.SEQUENCE && tag2 == asn1.BIT_STRING && !more:
		return FilePublicKey
	case tag1 == asn1.SEQUENCE && tag2 == asn1.SEQUENCE && tag3 == asn1.BIT_STRING &&
		first.PeekASN1Tag(asn1.INTEGER):
		return FileRequest
	case tag1 == asn1.SEQUENCE && tag2 == asn1.OCTET_STRING && !more:
		return FilePrivateKey // PKCS #8 with a passphrase
	case tag1 != asn1.INTEGER || len(first) != 1:
		return FileUnknown
	case tag2 == asn1.SEQUENCE && first[0] == 3:
		return FilePKCS12
	case tag2 == asn1.SEQUENCE && tag3 == asn1.OCTET_STRING, // PKCS #8
		tag2 == asn1.INTEGER && tag3 == asn1.INTEGER, // PKCS #1
		tag2 == asn1.OCTET_STRING:                    // elliptic curve
		return FilePrivateKey
	default:
		return FileUnknown
	}
}

// isPush tells a push certificate by what Apple writes into it: a topic such as "com.apple.mgmt.External...", or
// one of the extensions of its push service.
func isPush(c certificate) bool {
	return bytes.Contains(c.subject, []byte("com.apple.mgmt.")) || bytes.Contains(c.subject, []byte("APSP:")) ||
		bytes.Contains(c.der, []byte("\x2a\x86\x48\x86\xf7\x63\x64\x06\x03\x01")) || // 1.2.840.113635.100.6.3.1
		bytes.Contains(c.der, []byte("\x2a\x86\x48\x86\xf7\x63\x64\x06\x03\x02"))
}
