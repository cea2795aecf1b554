package enrollment

// Known is a fact that may not be known yet.
type Known string

// The values of a fact. The zero value is NotKnown.
const (
	NotKnown Known = ""
	Yes      Known = "yes"
	No       Known = "no"
)

// Situation are the facts on which advice rests. Those that are not known are asked for only where they matter.
type Situation struct {
	PortalAccess  Known // somebody with the right role can sign in at the portal of the organization
	ServiceExists Known // the device management service is still listed there
	KeyHeld       Known // the private key for the service's present certificate is held
	MDMChanges    Known // the devices must move to another MDM, not only to another service
	MDMManages    Known // the present MDM still manages and reaches the devices
	Capable       Known // the devices can migrate without an erase (iOS, iPadOS, macOS 26 and Apple says so)
}

// Advice is what to do, least harm first.
type Advice string

// The advices, from harmless to harmful.
const (
	// AdviseRenew: the service still exists and somebody can sign in. No device is touched, whatever was lost.
	AdviseRenew Advice = "renew"
	// AdviseReplaceCertificate: as AdviseRenew, with a new certificate on the same service, because its key is lost.
	AdviseReplaceCertificate Advice = "replace_certificate"
	// AdviseFindAdministrator: nobody can sign in; that comes first, because everything else needs the portal.
	AdviseFindAdministrator Advice = "find_administrator"
	// AdviseReassign: new service, reassign, assign the enrollment profile, stop. Enrolled devices live on; the new
	// service counts from their next erase.
	AdviseReassign Advice = "reassign"
	// AdviseMigrate: new service, reassign with a migration deadline. Nothing is erased.
	AdviseMigrate Advice = "migrate"
	// AdviseWipe: new service, reassign, assign the enrollment profile, then wipe through the present MDM.
	AdviseWipe Advice = "wipe"
	// AdviseHands: new service, reassign, and a list of the devices that somebody must erase by hand.
	AdviseHands Advice = "hands"
)

// Question names a fact that would change the advice.
type Question string

// The questions.
const (
	AskPortalAccess  Question = "portal_access"
	AskServiceExists Question = "service_exists"
	AskMDMChanges    Question = "mdm_changes"
	AskMDMManages    Question = "mdm_manages"
	AskCapable       Question = "capable"
)

// Counsel is an advice with its reasons.
type Counsel struct {
	Advice Advice     `json:"advice"`
	Why    string     `json:"why"`
	Ask    []Question `json:"ask,omitempty"` // unknown facts that the advice assumes, the most important first
}

// Advise says what to do when a token is dead or a renewal looks impossible. It is a pure function: it assumes the
// harmless for what is not known, and names it.
//
// The order follows from Apple's documents: a permitted person can upload a new certificate to an existing service and
// download a new token, and no device notices (Apple Business guide, "Link to a third-party device management
// service"); a reassignment alone changes nothing on a set-up device (Apple, "Remove a Profile"); since OS 26 a
// device migrates without an erase (Apple, "Migrating managed devices").
func Advise(s Situation) Counsel {
	var ask []Question
	// is reports whether a fact has the harmful value; a fact that is not known is asked for and has not.
	is := func(harmful, fact Known, q Question) bool {
		if fact == NotKnown {
			ask = append(ask, q)
		}
		return fact == harmful
	}
	counsel := func(a Advice, why string) Counsel { return Counsel{Advice: a, Why: why, Ask: ask} }

	if is(No, s.PortalAccess, AskPortalAccess) {
		return counsel(AdviseFindAdministrator,
			"Nobody can sign in at the portal. Renewing, reassigning and migrating all need it: have Apple restore an administrator first.")
	}
	if !is(No, s.ServiceExists, AskServiceExists) {
		if s.KeyHeld == No {
			return counsel(AdviseReplaceCertificate,
				"The service still exists. Upload a new certificate to the same service and download its token: no device is touched, although the key is lost.")
		}
		return counsel(AdviseRenew, "The service still exists: renew its token. No device is touched.")
	}
	changes := is(Yes, s.MDMChanges, AskMDMChanges)
	if changes && !is(No, s.Capable, AskCapable) {
		return counsel(AdviseMigrate,
			"The devices can migrate without an erase: make a new service at the new MDM and reassign them with a migration deadline.")
	}
	switch managed := !is(No, s.MDMManages, AskMDMManages); {
	case !managed:
		return counsel(AdviseHands,
			"The service is gone and the MDM does not reach the devices: make a new service, reassign them, and list them for erasing by hand.")
	case changes:
		return counsel(AdviseWipe,
			"The devices cannot migrate without an erase: make a new service at the new MDM, reassign, assign and verify the enrollment profile, and only then wipe through the present MDM.")
	default:
		return counsel(AdviseReassign,
			"The service is gone but the MDM still manages the devices: make a new service, reassign them, assign the enrollment profile, and stop. They live on as they are; the new service counts from their next erase.")
	}
}
