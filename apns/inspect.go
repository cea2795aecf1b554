package apns

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"strings"
	"time"
)

// The names of the single checks in a [Report].
const (
	CheckPurpose    = "purpose"    // it is a TLS client's certificate
	CheckTopic      = "topic"      // it has the topic of an MDM
	CheckValidity   = "validity"   // it is valid now, and for some time to come
	CheckIssuer     = "issuer"     // Apple issued it, by name
	CheckChain      = "chain"      // the chain that came along leads to Apple's root
	CheckProduction = "production" // it is for the production push service
	CheckKey        = "key"        // the private key is its own
	CheckContinuity = "continuity" // it goes on where the one before ends
	CheckApple      = "apple"      // Apple's push service accepts it; see [Prober]
)

// Inspection is what a certificate is held against.
type Inspection struct {
	Now            time.Time     // needed
	ExpiringWithin time.Duration // warn if it ends this soon; zero: 30 days
	// Before is the certificate that it replaces; zero: none. Devices is how many listen to that one's topic.
	Before  Certificate
	Devices int
	// NeedKey fails a certificate without its private key. Otherwise a missing one is no finding: a store keeps it apart.
	NeedKey bool
	// RequireApple fails an issuer that is not Apple. Otherwise it is a warning, because test installations have their own.
	RequireApple bool
	// Roots are the hex SHA-256 of the certificates in which a chain may end; nil: Apple Root CA's.
	Roots []string
}

// mdmPrefix is how topics of MDM push certificates begin (NanoMDM, 2026); those of apps are bundle IDs.
const mdmPrefix = "com.apple.mgmt."

// The issuer of push certificates (a certificate in use, 2021), and the SHA-256 of the root above it (go-apple-dm, 2026-09).
const (
	appleIssuer = "Apple Application Integration 2 Certification Authority"
	appleName   = "Apple Inc."
	appleRoot   = "b0b1730ecbc7ff4505142c49f1295e6eda6bcaed7e2c68c5be91b5a11001f024"
)

const portal = "identity.apple.com/pushcert"

// Inspect holds a certificate against everything that can be known without asking Apple, and lists every single check. It
// does no I/O. A zero certificate gives a report with one failed check.
func Inspect(c Certificate, in Inspection) Report {
	if c.IsZero() {
		return Report{Findings: []Finding{fail(CheckPurpose, "there is no certificate", "Upload the .pem file of "+portal)}}
	}
	report := Report{Topic: c.Topic(), NotAfter: c.NotAfter(), Fingerprint: c.Fingerprint()}
	report.Findings = append(report.Findings, c.purpose(), topicFinding(report.Topic), c.validity(in), c.issuer(in))
	if c.chain != nil {
		report.Findings = append(report.Findings, c.chained(in))
	}
	report.Findings = append(report.Findings, c.production())
	if !c.key.IsZero() || in.NeedKey {
		report.Findings = append(report.Findings, c.ownKey())
	}
	if !in.Before.IsZero() {
		report.Findings = append(report.Findings, Continue(in.Before, c, in.Devices).finding())
	}
	return report
}

func pass(check, detail string) Finding { return Finding{Check: check, Verdict: Pass, Detail: detail} }
func warn(check, detail, next string) Finding {
	return Finding{Check: check, Verdict: Warn, Detail: detail, Next: next}
}
func fail(check, detail, next string) Finding {
	return Finding{Check: check, Verdict: Fail, Detail: detail, Next: next}
}

func (c Certificate) purpose() Finding {
	const next = "Use the push certificate: the .pem file of " + portal + ", not that of an authority, a website or a server token"
	if c.leaf.IsCA {
		return fail(CheckPurpose, "it is an authority's, which issues certificates", next)
	}
	client := false
	for _, usage := range c.leaf.ExtKeyUsage {
		client = client || usage == x509.ExtKeyUsageClientAuth
	}
	if !client || c.leaf.KeyUsage != 0 && c.leaf.KeyUsage&x509.KeyUsageDigitalSignature == 0 {
		return fail(CheckPurpose, "it is not made for signing in to a service", next)
	}
	return pass(CheckPurpose, "it is made for signing in to a service")
}

func topicFinding(topic string) Finding {
	switch {
	case topic == "":
		return fail(CheckTopic, "it has no topic", "Use the push certificate: the .pem file of "+portal)
	case !strings.HasPrefix(topic, mdmPrefix):
		return fail(CheckTopic, "its topic "+quoted(topic)+" is an app's", "Use the MDM push certificate: the .pem file of "+portal)
	}
	return pass(CheckTopic, topic)
}

// quoted makes a text of a certificate fit for a message.
func quoted(text string) string {
	const most = 100
	if len(text) > most {
		text = text[:most]
	}
	return fmt.Sprintf("%q", text)
}

const day = 24 * time.Hour

func (c Certificate) validity(in Inspection) Finding {
	within := in.ExpiringWithin
	if within == 0 {
		within = 30 * day
	}
	from, until := c.NotBefore(), c.NotAfter()
	switch left := until.Sub(in.Now); {
	case in.Now.Before(from):
		return fail(CheckValidity, "it is not valid before "+from.Format(time.DateTime),
			"Check the clock of this machine; if it is right, wait until then")
	case left <= 0:
		return fail(CheckValidity, "it expired on "+until.Format(time.DateOnly),
			"Renew it at "+portal+" at once, with Renew and the same Apple Account; Create would cut every device off")
	case left <= within:
		return warn(CheckValidity, fmt.Sprintf("it expires on %s, in %d days", until.Format(time.DateOnly), int(left/day)),
			"Renew it at "+portal+", with Renew and the same Apple Account; Create would cut every device off")
	}
	return pass(CheckValidity, "it is valid until "+until.Format(time.DateOnly))
}

func (c Certificate) issuer(in Inspection) Finding {
	name := c.leaf.Issuer
	if name.CommonName == appleIssuer && len(name.Organization) == 1 && name.Organization[0] == appleName {
		return pass(CheckIssuer, name.CommonName)
	}
	finding := warn(CheckIssuer, "its issuer "+quoted(c.Issuer())+" is not Apple",
		"Right in a test installation; otherwise use the .pem file of "+portal)
	if in.RequireApple {
		finding.Verdict, finding.Next = Fail, "Use the push certificate: the .pem file of "+portal
	}
	return finding
}

// chained follows the chain that came along: every signature, to a root that is known by its fingerprint. The validity of
// issuers is left alone: it was looked at when they signed.
func (c Certificate) chained(in Inspection) Finding {
	roots := in.Roots
	if roots == nil {
		roots = []string{appleRoot}
	}
	wrong := func(detail string) Finding {
		finding := warn(CheckChain, detail, "Upload the file as "+portal+" gave it; the chain in it is not needed")
		if in.RequireApple {
			finding.Verdict = Fail
		}
		return finding
	}
	child := c.leaf
	for _, parent := range c.chain {
		if err := child.CheckSignatureFrom(parent); err != nil {
			return fail(CheckChain, "the signature of "+quoted(parent.Subject.CommonName)+" is wrong",
				"Upload the file as "+portal+" gave it; this one was put together wrongly, or forged")
		}
		child = parent
	}
	found := fingerprint(child)
	for _, root := range roots {
		if found == root {
			return pass(CheckChain, "it leads to "+child.Subject.CommonName)
		}
	}
	if !bytes.Equal(child.RawIssuer, child.RawSubject) {
		return wrong("it ends before the root")
	}
	return wrong("it ends in " + quoted(child.Subject.CommonName) + ", which is not Apple's root")
}

func (c Certificate) production() Finding {
	if c.Production() {
		return pass(CheckProduction, "it is for the production push service")
	}
	return warn(CheckProduction, "it lacks Apple's marker of the production push service",
		"Right in a test installation; otherwise use the .pem file of "+portal)
}

func (c Certificate) ownKey() Finding {
	switch {
	case c.key.IsZero():
		return fail(CheckKey, "its private key is missing",
			"Give the key that its signing request was made with; Apple's portal does not have it")
	case !c.Matches(c.key):
		return fail(CheckKey, "the private key belongs to another certificate",
			"Give the key that its signing request was made with; if that is lost, renew at "+portal+" with a new request")
	}
	return pass(CheckKey, "the private key is its own")
}
