package abmtoken

import (
	"bytes"
	"errors"
	"strings"
)

// The forms that a server token's file may have when it arrives: S/MIME as Apple sends it, base64 that lost its
// header, PEM, or the bare message. Whatever came through a mail, a ticket or an editor is taken if its message is
// whole.
const (
	maxHeaderLines = 32
	maxHeaderLine  = 1 << 10
	maxFolded      = 4 // lines of the header after the last one with a colon, and the blank one
)

// message finds the CMS message in a file and checks that it is whole.
func message(file []byte) ([]byte, error) {
	text := asText(file)
	if isBinary(text) {
		if kind := sniffBinary(text); kind != "" {
			return nil, refuse(kind)
		}
		return whole(bytes.Clone(text), false)
	}
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return nil, refuse(FileEmpty)
	}
	if kind := sniffText(text); kind != "" {
		return nil, refuse(kind)
	}
	if armour, kind := pemBody(text); kind != "" {
		return nil, refuse(kind)
	} else if armour != nil {
		return encoded(armour, FileDamaged)
	}
	body, mime := mimeBody(text)
	if !mime {
		return encoded(body, FileUnknown)
	}
	if kind := sniffHeader(text[:len(text)-len(body)]); kind != "" {
		return nil, refuse(kind)
	}
	if len(body) == 0 {
		return nil, refuse(FileTruncated)
	}
	if kind := sniffText(body); kind != "" { // a page saved with its header, or the decrypted text
		return nil, refuse(kind)
	}
	return encoded(body, FileDamaged)
}

// encoded reads a message in base64. Other says what text that is no base64 is.
func encoded(text []byte, other FileKind) ([]byte, error) {
	decoded, cut, ok := decodeBase64(text)
	if !ok {
		return nil, refuse(other)
	}
	if kind := sniffDecoded(decoded); kind != "" {
		return nil, refuse(kind)
	}
	if decoded[0] != sequence {
		return nil, refuse(other)
	}
	return whole(decoded, cut)
}

const sequence = 0x30 // how every message, certificate and key starts

// whole checks the message against the guard and says what it is, if it is no enveloped message.
func whole(der []byte, cut bool) ([]byte, error) {
	if len(der) > maxMessage {
		return nil, ErrTooLarge
	}
	_, err := guardBER(der)
	switch {
	case errors.Is(err, errCut):
		return nil, refuse(FileTruncated)
	case err != nil, cut:
		return nil, refuse(FileDamaged)
	}
	return der, nil
}

// isBinary tells a message in its bare form, or another file of bytes, from text.
func isBinary(b []byte) bool {
	if len(b) > 1 && b[0] == sequence && (b[1] >= 0x80 || int(b[1])+2 == len(b)) {
		return true
	}
	return bytes.IndexByte(b, 0) >= 0
}

// mimeBody finds what follows a MIME header, if there is one. The header may be folded, reordered, spaced out or
// broken: only its lines with a colon count, which base64 has not. What matters comes after the blank line behind the
// last of them, or right after it if that blank line was lost.
func mimeBody(text []byte) (body []byte, mime bool) {
	rest, afterColon := text, []byte(nil)
	for range maxHeaderLines {
		var line []byte
		if line, rest = nextLine(rest); len(line) > maxHeaderLine {
			break
		}
		if bytes.IndexByte(line, ':') > 0 {
			afterColon, mime = rest, true
		}
	}
	if !mime {
		return text, false
	}
	body = afterColon
	rest = afterColon
	for range maxFolded {
		if len(rest) == 0 {
			break
		}
		var line []byte
		line, rest = nextLine(rest)
		if len(bytes.TrimSpace(line)) == 0 {
			body = rest
			break
		}
		if bytes.ContainsAny(line, `"-;`) { // a folded line of the header, whose blank line may be lost
			body = rest
		}
	}
	return bytes.TrimSpace(body), true
}

// pemBody finds the message in PEM armour, or says what the file is by the labels in it.
func pemBody(text []byte) (body []byte, kind FileKind) {
	const begin, dashes = "-----BEGIN ", "-----"
	for rest := text; ; {
		_, after, found := bytes.Cut(rest, []byte(begin))
		if !found {
			return nil, kind
		}
		label, after, found := bytes.Cut(after, []byte(dashes))
		if !found || len(label) > 40 {
			return nil, FileDamaged
		}
		rest = after
		switch string(label) {
		case "CMS", "PKCS7", "PKCS #7 SIGNED DATA":
			body, _, _ = bytes.Cut(after, []byte(dashes))
			return bytes.TrimSpace(body), ""
		}
		// A file with several things is called by the one that needs the most care.
		if k := pemKind(string(label), after); kind == "" || k == FilePrivateKey {
			kind = k
		}
	}
}

func pemKind(label string, after []byte) FileKind {
	switch {
	case strings.HasSuffix(label, "PRIVATE KEY"):
		return FilePrivateKey
	case strings.HasSuffix(label, "CERTIFICATE REQUEST"):
		return FileRequest
	case strings.HasSuffix(label, "CERTIFICATE"):
		body, _, _ := bytes.Cut(after, []byte("-----"))
		if der, _, ok := decodeBase64(body); ok && sniffDER(der) == FilePushCert {
			return FilePushCert
		}
		return FileCertificate
	case strings.HasSuffix(label, "PUBLIC KEY"):
		return FilePublicKey
	case label == "MESSAGE":
		return FileTokenJSON
	default:
		return FileUnknown
	}
}
