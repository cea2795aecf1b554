package appletest

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// What the push portal refuses.
var (
	ErrPushRequest = errors.New("appletest: the portal does not take this file")
	ErrPushUnknown = errors.New("appletest: this Apple Account has no such push certificate")
)

// PushAccount is an Apple Account at the push certificate portal (identity.apple.com/pushcert). Each has certificates of its
// own: who signs in with another account cannot renew them.
type PushAccount struct {
	push *Push
	rows []PushCertificate
}

// PushCertificate is a row at the portal.
type PushCertificate struct {
	Topic    string
	Serial   string // in hexadecimal digits
	NotAfter time.Time
	PEM      []byte // the file behind Download: the certificate alone
}

// Account returns the Apple Account of that name; the first time it has no certificates.
func (p *Push) Account(name string) *PushAccount {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.accounts[name] == nil {
		p.accounts[name] = &PushAccount{push: p}
	}
	return p.accounts[name]
}

// Certificates returns the rows of the account.
func (a *PushAccount) Certificates() []PushCertificate {
	a.push.mu.Lock()
	defer a.push.mu.Unlock()
	return slices.Clone(a.rows)
}

// Create is "Create a Certificate": it gives a topic that no device listens to yet.
func (a *PushAccount) Create(file []byte) (PushCertificate, error) {
	uuid := strings.ToLower(a.push.apple.newUUID())
	return a.issue(file, fmt.Sprintf("com.apple.mgmt.External.%s-%s-%s-%s-%s", uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]), -1)
}

// Renew is "Renew" on a row: it keeps the topic. The certificate before lives on until it expires or is revoked.
func (a *PushAccount) Renew(topic string, file []byte) (PushCertificate, error) {
	at := slices.IndexFunc(a.Certificates(), func(c PushCertificate) bool { return c.Topic == topic })
	if at < 0 {
		return PushCertificate{}, ErrPushUnknown
	}
	return a.issue(file, topic, at)
}

// Revoke ends a certificate at once.
func (p *Push) Revoke(c PushCertificate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked[c.Serial] = true
}

func (a *PushAccount) issue(file []byte, topic string, row int) (PushCertificate, error) {
	public, err := readPushRequest(file)
	if err != nil {
		return PushCertificate{}, err
	}
	now := a.push.apple.Now()
	cert := a.push.Issue(public, topic, now, now.Add(365*24*time.Hour)) // as certificates in use have it
	issued := PushCertificate{
		Topic: topic, Serial: strings.ToUpper(cert.SerialNumber.Text(16)), NotAfter: cert.NotAfter, PEM: inPEM(cert),
	}
	a.push.mu.Lock()
	defer a.push.mu.Unlock()
	if row < 0 {
		a.rows = append(a.rows, issued)
	} else {
		a.rows[row] = issued
	}
	return issued, nil
}

// Issue makes a certificate as Apple does, without the portal: for any topic and time.
func (p *Push) Issue(public *rsa.PublicKey, topic string, from, until time.Time) *x509.Certificate {
	common := "APSP:" + topic[strings.LastIndex(topic, ".")+1:]
	a := authority()
	return sign(&x509.Certificate{
		SerialNumber: p.nextSerial(),
		Subject: pkix.Name{
			CommonName: common, Country: []string{"US"},
			ExtraNames: []pkix.AttributeTypeAndValue{{Type: oidUserID, Value: topic}},
		},
		NotBefore: from.Truncate(time.Second), NotAfter: until.Truncate(time.Second),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, CRLDistributionPoints: []string{"http://crl.apple.com/aai2ca.crl"},
		ExtraExtensions: []pkix.Extension{{Id: oidPushProduction, Value: []byte{5, 0}}},
	}, a.issuer, public, a.issuerKey)
}

// readPushRequest reads what is uploaded: a property list in base64, with a request, a vendor's signature over it, and the
// vendor's chain up to Apple's root.
func readPushRequest(file []byte) (*rsa.PublicKey, error) {
	refuse := func(why string) (*rsa.PublicKey, error) { return nil, fmt.Errorf("%w: %s", ErrPushRequest, why) }
	text, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(file)))
	if err != nil {
		return refuse("it is not base64")
	}
	var list struct {
		XMLName xml.Name `xml:"plist"`
		Keys    []string `xml:"dict>key"`
		Values  []string `xml:"dict>string"`
	}
	if err := xml.Unmarshal(text, &list); err != nil || len(list.Keys) != len(list.Values) {
		return refuse("it is no property list of texts")
	}
	values := map[string]string{}
	for i, key := range list.Keys {
		values[key] = list.Values[i]
	}
	der, err := base64.StdEncoding.DecodeString(values["PushCertRequestCSR"])
	if err != nil {
		return refuse("PushCertRequestCSR is not base64")
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil || request.CheckSignature() != nil {
		return refuse("PushCertRequestCSR is no request")
	}
	public, ok := request.PublicKey.(*rsa.PublicKey)
	if !ok || public.N.BitLen() < 2048 {
		return refuse("the key of the request is not RSA with 2048 bits")
	}
	vendor, err := vendorOf(values["PushCertCertificateChain"])
	if err != nil {
		return nil, err
	}
	signature, err := base64.StdEncoding.DecodeString(values["PushCertSignature"])
	sum := sha256.Sum256(der)
	if err != nil || rsa.VerifyPKCS1v15(vendor, crypto.SHA256, sum[:], signature) != nil {
		return refuse("PushCertSignature is not the vendor's")
	}
	return public, nil
}

// vendorOf follows the chain of three to the root, and returns the vendor's key.
func vendorOf(text string) (*rsa.PublicKey, error) {
	var chain []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%w: PushCertCertificateChain is damaged", ErrPushRequest)
		}
		chain = append(chain, cert)
	}
	a := authority()
	if len(chain) != 3 || !chain[1].Equal(a.relations) || !chain[2].Equal(a.root) || chain[0].CheckSignatureFrom(chain[1]) != nil {
		return nil, fmt.Errorf("%w: PushCertCertificateChain is not vendor, WWDR, root", ErrPushRequest)
	}
	public, ok := chain[0].PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: the vendor's key is not RSA", ErrPushRequest)
	}
	return public, nil
}
