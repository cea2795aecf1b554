package apns

import (
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
// it, as a property list in base64. The signature may come from a vendor's service: what the portal would refuse, with a
// person before it, is refused here: a chain in another order or with something else in it, and a signature over something
// else. Its error matches [ErrVendor].
func PortalFile(request []byte, signed VendorSignature) ([]byte, error) {
	chain, err := readVendorChain(signed.Chain)
	switch {
	case err != nil:
		return nil, err
	case len(request) == 0 || !chain.signed(request, signed.Signature):
		return nil, fmt.Errorf("%w: the signature is not the vendor's over this request; have the vendor sign it (DER) with RSA PKCS #1 v1.5 and SHA-256", ErrVendor)
	}
	list, err := plist.MarshalIndent(uploaded{
		Request:   base64.StdEncoding.EncodeToString(request),
		Chain:     string(chain.pem()),
		Signature: base64.StdEncoding.EncodeToString(signed.Signature),
	}, "\t")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVendor, err)
	}
	return []byte(base64.StdEncoding.EncodeToString(list)), nil
}
