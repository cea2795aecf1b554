package apns

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/micromdm/plist"
)

// uploaded is the property list that Apple's push certificate portal takes (Apple, Device Management documentation, June
// 2025). The lines of the PEM in it have exactly 64 characters.
type uploaded struct {
	Request   string `plist:"PushCertRequestCSR"`
	Chain     string `plist:"PushCertCertificateChain"`
	Signature string `plist:"PushCertSignature"`
}

// PortalFile makes the file to upload at Apple's push certificate portal: a request in DER and the vendor's signature over
// it, as a property list in base64.
func PortalFile(request []byte, signed VendorSignature) ([]byte, error) {
	if len(request) == 0 || len(signed.Signature) == 0 || !bytes.HasPrefix(signed.Chain, []byte("-----BEGIN CERTIFICATE-----")) {
		return nil, fmt.Errorf("%w: the request, the signature or the chain in PEM is missing", ErrVendor)
	}
	list, err := plist.MarshalIndent(uploaded{
		Request:   base64.StdEncoding.EncodeToString(request),
		Chain:     string(signed.Chain),
		Signature: base64.StdEncoding.EncodeToString(signed.Signature),
	}, "\t")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVendor, err)
	}
	return []byte(base64.StdEncoding.EncodeToString(list)), nil
}
