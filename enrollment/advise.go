package enrollment

// Known is a fact that may not be known yet.
type Known string

// The values of a fact. The zero value is NotKnown.
const (
	NotKnown Known = ""
	Yes      Known = "yes"
	No       Known = "no"
)

// KnownOf returns the fact that a yes or no stands for; nil: it is not known, as where a database has a null.
func KnownOf(yes *bool) Known {
	switch {
	case yes == nil:
		return NotKnown
	case *yes:
		return Yes
	}
	return No
}

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
	advice, why := decide(s)
	return Counsel{Advice: advice, Why: why, Ask: questions(s, advice)}
}

// decide takes what is not known for harmless.
func decide(s Situation) (advice Advice, why string) {
	changes := s.MDMChanges == Yes
	// Where the present MDM is out of reach, moving to another one is the harmless way, so that is assumed.
	mayMigrate := s.Capable != No && (changes || s.MDMChanges == NotKnown && s.MDMManages == No)
	switch {
	case s.PortalAccess == No:
		return AdviseFindAdministrator,
			"Nobody can sign in at the portal. Renewing, reassigning and migrating all need it: have Apple restore an administrator first."
	case s.ServiceExists != No && s.KeyHeld == No:
		return AdviseReplaceCertificate,
			"The service still exists. Upload a new certificate to the same service and download its token: no device is touched, although the key is lost."
	case s.ServiceExists != No:
		return AdviseRenew, "The service still exists: renew its token. No device is touched."
	case mayMigrate:
		return AdviseMigrate,
			"The devices can migrate without an erase: make a new service at the new MDM and reassign them with a migration deadline."
	case s.MDMManages == No:
		return AdviseHands,
			"The service is gone and the MDM does not reach the devices: make a new service, reassign them, and list them for erasing by hand."
	case changes:
		return AdviseWipe,
			"The devices cannot migrate without an erase: make a new service at the new MDM, reassign, assign and verify the enrollment profile, and only then wipe through the present MDM."
	}
	return AdviseReassign,
		"The service is gone but the MDM still manages the devices: make a new service, reassign them, assign the enrollment profile, and stop. They live on as they are; the new service counts from their next erase."
}

// questions returns the facts that are not known and whose answer would change the advice.
func questions(s Situation, advice Advice) []Question {
	var ask []Question
	for _, q := range [...]struct {
		fact *Known
		name Question
	}{
		{&s.PortalAccess, AskPortalAccess}, {&s.ServiceExists, AskServiceExists}, {&s.MDMChanges, AskMDMChanges},
		{&s.Capable, AskCapable}, {&s.MDMManages, AskMDMManages},
	} {
		if *q.fact != NotKnown {
			continue
		}
		for _, *q.fact = range [...]Known{Yes, No} {
			if other, _ := decide(s); other != advice {
				ask = append(ask, q.name)
				break
			}
		}
		*q.fact = NotKnown
	}
	return ask
}
