package portal

// The steps, each with one sentence for all generations.
const (
	renewPrepare   StepID = "renew.prepare"
	renewSignIn    StepID = "renew.sign_in"
	renewList      StepID = "renew.open_list"
	renewChoose    StepID = "renew.choose_service"
	renewEdit      StepID = "renew.edit"
	renewReplace   StepID = "renew.replace_certificate"
	renewSave      StepID = "renew.save"
	renewDownload  StepID = "renew.download_token"
	renewUpload    StepID = "renew.upload_token"
	addPrepare     StepID = "add.prepare"
	addSignIn      StepID = "add.sign_in"
	addList        StepID = "add.open_list"
	addNew         StepID = "add.new_service"
	addName        StepID = "add.name"
	addNoRelease   StepID = "add.leave_release_off"
	addCertificate StepID = "add.upload_certificate"
	addSave        StepID = "add.save"
	addDownload    StepID = "add.download_token"
	addUpload      StepID = "add.upload_token"
)

// sentences are in English; {path} stands for the labels, the other names for the words of the guide.
var sentences = map[StepID]string{
	renewPrepare:  "Have {certificate} at hand, and the page or command open that takes the new token of {server}.",
	renewSignIn:   signIn,
	renewList:     "Go to {path}.",
	renewChoose:   "Choose {server} in the list.",
	renewEdit:     "Choose {path}.",
	renewReplace:  "Choose {path} and upload {certificate}.",
	renewSave:     "Choose {path}.",
	renewDownload: "Choose {path}.",
	renewUpload:   "Upload the downloaded file (Name_Token_Date_smime.p7m) to this program at once, unopened and unchanged.",

	addPrepare:     "Have {certificate} at hand.",
	addSignIn:      signIn,
	addList:        "Go to {path}.",
	addNew:         "Choose {path}.",
	addName:        "Enter {name}. No other {service} may have that name, and it may not be Unassigned or Reassigned.",
	addNoRelease:   "Leave {path} unselected, unless this {service} shall be able to give devices away for good.",
	addCertificate: "Upload {certificate}.",
	addSave:        "Choose {path}.",
	addDownload:    "Choose {path}.",
	addUpload:      "Upload the downloaded file (Name_Token_Date_smime.p7m) to this program, unopened and unchanged.",

	pushPrepare:  "Have {certificate} at hand, which has the signing request with the vendor's signature.",
	pushSignIn:   "Sign in at {url} with the very Apple Account that the certificate in use was made with.",
	pushRow:      "Find the certificate of {organization} under {path}.",
	pushRenew:    "Choose {path} in its row.",
	pushUpload:   "Under {path}, take {certificate}.",
	pushDownload: "Choose {path}.",
	pushHandIn:   "Upload the downloaded file (MDM_Vendor_Certificate.pem) to this program.",

	assignPrepare: "Have {devices} at hand.",
	assignSignIn:  signIn,
	assignList:    "Go to {path}.",
	assignSelect:  selectDevices,
	assignChoose:  "Choose {path}.",
	assignService: "Choose {server}.",
	assignSave:    "Choose {path}.",
	assignReturn:  "Come back to this program: it sees by itself when {server} has the devices, and goes on.",

	migratePrepare:  "Have {devices} at hand.",
	migrateSignIn:   signIn,
	migrateList:     "Go to {path}.",
	migrateSelect:   selectDevices,
	migrateChoose:   "Choose {path}.",
	migrateService:  "Choose {server}.",
	migrateDeadline: "Set the deadline: more than one day and less than 90 days ahead.",
	migrateSave:     "Choose {path}.",
	migrateReturn: "Come back to this program: it sees by itself when {server} has the devices, and assigns the enrollment profile that " +
		"they need before the deadline.",
}

const (
	signIn        = "Sign in at {url} as a user of {organization} who has the role {role}."
	selectDevices = "Select the devices of {devices}, at most 1000 at a time."
)

// unlabelled say what to look for, where no text was found that words it.
var unlabelled = map[StepID]string{
	assignList:    openDevices,
	assignChoose:  changeService,
	assignSave:    "Confirm it.",
	migrateList:   openDevices,
	migrateChoose: changeService,
	migrateSave:   "Confirm it.",
}

const (
	openDevices   = "Go to the list of devices."
	changeService = "Choose what changes the {service} of the selected devices."
)

// warnings stand at the step that they warn of.
//
// Apple says that the active token is to be replaced "when creating a new public key or generating a new token" (Apple
// Business User Guide, "Link to an external device management service in Apple Business", read in September 2026). That the
// download voids the token in use at once is the word of vendors (SOTI MobiControl, "Renewing ADE Accounts", 2025;
// Microsoft, "Set up a macOS ADE token in Intune", April 15, 2026).
var warnings = map[StepID]Note{
	renewSave: {"warn.token_may_die", "From this step on the token in use may be dead. Do not stop here: go on to the upload."},
	renewDownload: {"warn.token_dies", "This is the point of no return: the download makes the token in use invalid at once, and nothing brings it back. " +
		"Until the new file is uploaded, {server} has no working token."},
	pushRenew: {"warn.renew_only", "Renew keeps the topic that every enrolled device listens to. A certificate with another topic reaches " +
		"none of them."},
	assignService: warnSameService, migrateService: warnSameService,
	addDownload: {"warn.newest_only", "Each download makes the one before invalid: download once, and upload that file."},
}

// Seen by other programs with devices that were assigned again (Fleet, issue 39871, 2026).
var warnSameService = Note{"warn.same_service", "Not the one that has the devices already: assigning them to it again takes their enrollment " +
	"profile away."}

// noteShortWay stands only where there is a longer way.
const noteShortWay NoteID = "note.short_way"

// notes are good to know before a task is begun. That a token dies with its person, and the limit, are Apple's words
// (the guide named above); who accepts terms is in Apple's "Intro to roles and permissions" of both portals.
var notes = map[Task][]Note{
	Renew: {
		{noteShortWay, "Short way: the portal makes the token for the certificate that it already has. If its private key is still held, " +
			"leave out the steps {replacing}."},
		notePerson, noteTerms,
	},
	Add: {
		notePerson, noteTerms,
		{"note.limit", "An organization can have at most 250 public key certificate files."},
	},
	Push: {
		{"note.same_account", "Only the Apple Account that made a certificate can renew it. Use one that belongs to the organization and " +
			"not to a person who may leave, and write it down."},
		{"note.new_key", "A new private key does no harm: devices know the topic and not the key."},
	},
	// Apple, "Migrating managed devices" (2026), and "Remove a profile" (June 2025).
	Assign: {
		{"note.nothing_happens", "Nothing happens on a device that is set up: the new {service} counts from its next erase."},
		noteTerms,
	},
	Migrate: {
		{"note.no_erase", "Nothing is erased. The device tells its person of the deadline, who may begin earlier; at the deadline it changes by itself."},
		{"note.which_migrate", "It takes iOS, iPadOS or macOS 26 or later, enrolled by Automated Device Enrollment, and no Shared iPad."},
		{"note.no_deadline", "If the portal asks for no deadline, it does not offer this way."},
		{"note.cancel", "Until a device has begun, its migration can be cancelled; then it stays with its old {service}."},
		noteTerms,
	},
}

var (
	notePerson = Note{"note.person", "The token lives no longer than its person: it dies when whoever downloads it changes the password of " +
		"their Managed Apple Account or leaves the organization. Use an account that stays."}
	noteTerms = Note{"note.terms", "If the portal shows new terms, Apple answers no calls until somebody with the role {terms} accepts them."}
)

// avoid says what not to click.
var avoid = map[Task][]Note{
	Renew: {
		{"avoid.download_to_look", "Do not download a token just to look: that is enough to end the one in use."},
		{"avoid.new_service", "Do not add a second {service} and do not delete this one: its devices would have to be reassigned."},
		{"avoid.content_token", "Do not take the content token of Apps and Books (.vpptoken): it is something else."},
	},
	Add: {
		{"avoid.content_token", "Do not take the content token of Apps and Books (.vpptoken): it is something else."},
	},
	Push: {
		{"avoid.create", "Do not choose Create a Certificate: it gives a new topic, and every device would have to enroll again."},
		{"avoid.revoke", "Do not choose Revoke: the certificate in use dies at once."},
	},
	Assign:  {avoidErase, avoidRelease},
	Migrate: {avoidErase, avoidRelease},
}

var (
	avoidErase = Note{"avoid.erase_early", "Do not erase a device before this program says that its enrollment profile is assigned: it would set " +
		"itself up unmanaged."}
	avoidRelease = Note{"avoid.release", "Do not release the devices: that gives them away for good."}
)
