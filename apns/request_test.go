package apns_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/apns"
)

func TestNewRequest(t *testing.T) {
	der, err := apns.NewRequest(keys()[2], apns.RequestName{CommonName: "Acme \x00Inc.", Email: "it@acme.example", Country: "de"})
	require.NoError(t, err)
	request, err := x509.ParseCertificateRequest(der)
	require.NoError(t, err)
	require.NoError(t, request.CheckSignature())
	assert.Equal(t, x509.SHA256WithRSA, request.SignatureAlgorithm)
	assert.Equal(t, "CN=Acme Inc.,C=DE", request.Subject.String())
	assert.Equal(t, []string{"it@acme.example"}, request.EmailAddresses)
	assert.True(t, keys()[2].Public().Equal(request.PublicKey))

	plain, err := apns.NewRequest(keys()[2], apns.RequestName{CommonName: strings.Repeat("ä", 100), Country: "Germany", Email: "no address"})
	require.NoError(t, err)
	request, err = x509.ParseCertificateRequest(plain)
	require.NoError(t, err)
	assert.Equal(t, "CN="+strings.Repeat("ä", 64), request.Subject.String())
	assert.Empty(t, request.EmailAddresses)

	_, err = apns.NewRequest(apns.Key{}, apns.RequestName{})
	assert.ErrorIs(t, err, apns.ErrKey)
}

// vendor is a vendor's chain like Apple's, and its key.
func vendor(t *testing.T) (chain []byte, key apns.Key) {
	t.Helper()
	root := newAuthority(t, "Apple Root CA", 0, nil)
	wwdr := newAuthority(t, "Apple Worldwide Developer Relations Certification Authority", 1, &root)
	leaf := wwdr.issue(t, order{key: keys()[3], change: func(c *x509.Certificate) { c.Subject.CommonName = "MDM Vendor: Acme" }})
	return inPEM(leaf, wwdr.cert, root.cert), keys()[3]
}

// signedRequest is a request with the vendor's signature, and whose that is.
func signedRequest(t *testing.T) (der []byte, signed apns.VendorSignature, vendorKey apns.Key) {
	t.Helper()
	chain, key := vendor(t)
	signer, err := apns.NewLocalVendor(chain, key, today)
	require.NoError(t, err)
	der, err = apns.NewRequest(keys()[2], apns.RequestName{CommonName: "Acme"})
	require.NoError(t, err)
	signed, err = signer.SignRequest(t.Context(), der)
	require.NoError(t, err)
	return der, signed, key
}

// The file for the portal, taken apart by other means than it was made with.
func TestPortalFile(t *testing.T) {
	chain, key := vendor(t)
	signer, err := apns.NewLocalVendor(chain, key, today)
	require.NoError(t, err)
	assert.Contains(t, signer.Warning(), "WWDR G3", "a test's intermediate is not Apple's")
	der, err := apns.NewRequest(keys()[2], apns.RequestName{CommonName: "Acme"})
	require.NoError(t, err)
	signed, err := signer.SignRequest(t.Context(), der)
	require.NoError(t, err)
	file, err := apns.PortalFile(der, signed)
	require.NoError(t, err)

	list, err := base64.StdEncoding.DecodeString(string(file))
	require.NoError(t, err)
	var parsed struct {
		XMLName xml.Name `xml:"plist"`
		Version string   `xml:"version,attr"`
		Keys    []string `xml:"dict>key"`
		Strings []string `xml:"dict>string"`
	}
	require.NoError(t, xml.Unmarshal(list, &parsed))
	assert.Equal(t, "1.0", parsed.Version)
	require.Len(t, parsed.Strings, 3, "every value is a string")
	values := map[string]string{}
	for i, k := range parsed.Keys {
		values[k] = parsed.Strings[i]
	}

	request, err := base64.StdEncoding.DecodeString(values["PushCertRequestCSR"])
	require.NoError(t, err)
	assert.Equal(t, der, request)
	signature, err := base64.StdEncoding.DecodeString(values["PushCertSignature"])
	require.NoError(t, err)
	sum := sha256.Sum256(request)
	require.NoError(t, rsa.VerifyPKCS1v15(key.Public(), crypto.SHA256, sum[:], signature))
	assert.Equal(t, string(chain), values["PushCertCertificateChain"])
	for _, line := range strings.Split(strings.TrimSpace(values["PushCertCertificateChain"]), "\n") {
		assert.LessOrEqual(t, len(line), 64)
	}

	dir := t.TempDir()
	at := func(name string, text []byte) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
		return filepath.Join(dir, name)
	}
	block, _ := pem.Decode(chain)
	leaf, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	public, err := x509.MarshalPKIXPublicKey(leaf.PublicKey)
	require.NoError(t, err)
	publicFile := at("vendor.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	openssl(t, "dgst", "-sha256", "-verify", publicFile, "-signature", at("signature", signature), at("request", request))
	openssl(t, "req", "-verify", "-noout", "-in", at("request.pem", apns.RequestPEM(request)))
}

func TestNewLocalVendorRefuses(t *testing.T) {
	chain, key := vendor(t)
	blocks := bytes.SplitAfter(chain, []byte("-----END CERTIFICATE-----\n"))
	leaf, wwdr, root := blocks[0], blocks[1], blocks[2]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, c := range map[string]struct {
		chain []byte
		key   apns.Key
		says  string
	}{
		"another key":       {chain, keys()[2], "belongs to another"},
		"no key":            {chain, apns.Key{}, "belongs to another"},
		"no root":           {join(leaf, wwdr), key, "three certificates"},
		"wrong order":       {join(root, wwdr, leaf), key, "put the vendor's first"},
		"one too many":      {join(leaf, wwdr, root, root), key, "three certificates"},
		"nothing":           {nil, key, "three certificates"},
		"something else":    {join(leaf, keys()[1].RevealPEM(), root), key, "nothing else"},
		"damaged":           {bytes.Replace(chain, []byte("MII"), []byte("MIJ"), 1), key, "nothing else"},
		"twice the vendor":  {join(leaf, leaf, root), key, "not signed by the next"},
		"root as its child": {join(leaf, wwdr, wwdr), key, "not signed by the next"},
	} {
		_, err := apns.NewLocalVendor(c.chain, c.key, today)
		require.ErrorIs(t, err, apns.ErrVendor, name)
		require.ErrorContains(t, err, c.says, name)
	}
	for _, at := range []int{-40, 400} {
		_, err := apns.NewLocalVendor(chain, key, today.AddDate(0, 0, at))
		require.ErrorIs(t, err, apns.ErrVendor)
		require.ErrorContains(t, err, "valid from")
	}
}

// A vendor's service may be anybody's: what it gives is held against what Apple's portal takes, before a person stands there
// with a file that is refused.
func TestPortalFileHoldsARemoteVendorToThePortalsRules(t *testing.T) {
	der, signed, _ := signedRequest(t)
	chain := signed.Chain
	want, err := apns.PortalFile(der, signed)
	require.NoError(t, err)

	blocks := bytes.SplitAfter(chain, []byte("-----END CERTIFICATE-----\n"))
	leaf, wwdr, root := blocks[0], blocks[1], blocks[2]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, c := range map[string][]byte{
		"with words between the certificates": join([]byte("subject=Acme\n"), leaf, []byte("\nissuer=Apple\n\n"), wwdr, root, []byte("\n# end\n")),
		"with the line ends of Windows":       bytes.ReplaceAll(chain, []byte("\n"), []byte("\r\n")),
		"in lines of 76":                      rewrapped(t, chain, 76),
		"in one line each":                    rewrapped(t, chain, 1<<20),
	} {
		file, err := apns.PortalFile(der, apns.VendorSignature{Signature: signed.Signature, Chain: c})
		require.NoError(t, err, name)
		assert.Equal(t, want, file, "%s: the portal gets lines of 64 and nothing else", name)
	}

	otherKey := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})
	for name, c := range map[string]struct {
		request, signature, chain []byte
		says                      string
	}{
		"nothing":                        {nil, nil, nil, "three certificates"},
		"no request":                     {nil, signed.Signature, chain, "not the vendor's over this request"},
		"no signature":                   {der, nil, chain, "not the vendor's over this request"},
		"a signature over the PEM":       {apns.RequestPEM(der), signed.Signature, chain, "not the vendor's over this request"},
		"a signature of the customer's":  {der, customersSignature(t, der), chain, "not the vendor's over this request"},
		"root first":                     {der, signed.Signature, join(root, wwdr, leaf), "put the vendor's first"},
		"the intermediate first":         {der, signed.Signature, join(wwdr, leaf, root), "put the vendor's first"},
		"without the root":               {der, signed.Signature, join(leaf, wwdr), "three certificates"},
		"with one more":                  {der, signed.Signature, join(leaf, wwdr, root, root), "three certificates"},
		"with a private key in it":       {der, signed.Signature, join(leaf, wwdr, root, keys()[1].RevealPEM()), "nothing else"},
		"with something else in it":      {der, signed.Signature, join(leaf, otherKey, wwdr, root), "nothing else"},
		"far too large":                  {der, signed.Signature, bytes.Repeat([]byte{'\n'}, apns.MaxFile+1), "too large"},
		"the vendor's certificate alone": {der, signed.Signature, leaf, "three certificates"},
	} {
		file, err := apns.PortalFile(c.request, apns.VendorSignature{Signature: c.signature, Chain: c.chain})
		require.ErrorIs(t, err, apns.ErrVendor, name)
		require.ErrorContains(t, err, c.says, name)
		assert.Nil(t, file, name)
		assert.NotContains(t, err.Error(), "PRIVATE KEY", name)
	}
}

// rewrapped writes a chain in lines of another width, as tools do.
func rewrapped(t *testing.T, chain []byte, width int) []byte {
	t.Helper()
	var out bytes.Buffer
	for block, rest := pem.Decode(chain); block != nil; block, rest = pem.Decode(rest) {
		text := base64.StdEncoding.EncodeToString(block.Bytes)
		out.WriteString("-----BEGIN CERTIFICATE-----\n")
		for len(text) > width {
			out.WriteString(text[:width] + "\n")
			text = text[width:]
		}
		out.WriteString(text + "\n-----END CERTIFICATE-----\n")
	}
	return out.Bytes()
}

func customersSignature(t *testing.T, request []byte) []byte {
	t.Helper()
	sum := sha256.Sum256(request)
	signature, err := keys()[2].Signer().Sign(nil, sum[:], crypto.SHA256)
	require.NoError(t, err)
	return signature
}
