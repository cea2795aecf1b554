package appletest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"time"
)

// pushAuthority has the names of Apple's chain, and keys of its own. It is made once per process: keys cost time.
type pushAuthority struct {
	root, issuer, relations *x509.Certificate
	rootKey, issuerKey      *rsa.PrivateKey // WWDR signs with the issuer's, which spares a key
	server                  tls.Certificate
}

var (
	oidUserID         = asn1.ObjectIdentifier{0, 9, 2342, 19200300, 100, 1, 1}
	oidPushProduction = asn1.ObjectIdentifier{1, 2, 840, 113635, 100, 6, 3, 2}

	// What the authorities' certificates cover is every time that a test may be set in.
	pushBegin = time.Date(2006, 4, 25, 0, 0, 0, 0, time.UTC)
	pushEnd   = time.Date(2066, 2, 9, 0, 0, 0, 0, time.UTC)
)

var authority = sync.OnceValue(func() *pushAuthority {
	a := &pushAuthority{rootKey: newRSA(), issuerKey: newRSA()}
	name := func(common string) pkix.Name {
		return pkix.Name{
			CommonName: common, OrganizationalUnit: []string{"Apple Certification Authority"},
			Organization: []string{"Apple Inc."}, Country: []string{"US"},
		}
	}
	ca := func(serial int64, common string, parent *x509.Certificate, public *rsa.PublicKey) *x509.Certificate {
		template := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: name(common), NotBefore: pushBegin, NotAfter: pushEnd,
			IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
		if parent == nil {
			parent = template
		}
		return sign(template, parent, public, a.rootKey)
	}
	a.root = ca(2, "Apple Root CA", nil, &a.rootKey.PublicKey)
	a.issuer = ca(3, "Apple Application Integration 2 Certification Authority", a.root, &a.issuerKey.PublicKey)
	a.relations = ca(4, "Apple Worldwide Developer Relations Certification Authority", a.root, &a.issuerKey.PublicKey)

	key := newRSA()
	server := sign(&x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "api.push.apple.com"}, NotBefore: pushBegin, NotAfter: pushEnd,
		DNSNames: []string{"api.push.apple.com", "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.root, &key.PublicKey, a.rootKey)
	a.server = tls.Certificate{Certificate: [][]byte{server.Raw}, PrivateKey: key}
	return a
})

func newRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("appletest: " + err.Error()) // the system has no randomness
	}
	return key
}

// sign makes a certificate from templates of this package, which are right.
func sign(template, parent *x509.Certificate, public *rsa.PublicKey, by *rsa.PrivateKey) *x509.Certificate {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, by)
	if err != nil {
		panic("appletest: " + err.Error())
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic("appletest: " + err.Error())
	}
	return cert
}

func inPEM(certs ...*x509.Certificate) (text []byte) {
	for _, c := range certs {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return text
}

// Roots are what a client must trust to reach the fake push service.
func (p *Push) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(authority().root)
	return pool
}

// RootsPEM is the same in PEM, for a file.
func (p *Push) RootsPEM() []byte { return inPEM(authority().root) }

// Chain are the issuer's certificate and the root, in PEM, as a person may append them to a push certificate.
func (p *Push) Chain() []byte { return inPEM(authority().issuer, authority().root) }

// Vendor makes an MDM vendor: the chain of its "MDM Vendor CSR Signing" certificate, and its key, both in PEM.
func (p *Push) Vendor(name string) (chain, key []byte) {
	a, private := authority(), newRSA()
	now := p.apple.Now()
	cert := sign(&x509.Certificate{
		SerialNumber: p.nextSerial(), Subject: pkix.Name{CommonName: "MDM Vendor: " + name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
	}, a.relations, &private.PublicKey, a.issuerKey)
	text := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(private)})
	return inPEM(cert, a.relations, a.root), text
}

func (p *Push) nextSerial() *big.Int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	return big.NewInt(p.serial)
}
