package portal

// The steps that give devices to another service, at once (assign) or with a deadline by which they change to it (migrate).
const (
	assignPrepare   StepID = "assign.prepare"
	assignSignIn    StepID = "assign.sign_in"
	assignList      StepID = "assign.open_list"
	assignSelect    StepID = "assign.select_devices"
	assignChoose    StepID = "assign.choose_action"
	assignService   StepID = "assign.choose_service"
	assignSave      StepID = "assign.save"
	assignReturn    StepID = "assign.return"
	migratePrepare  StepID = "migrate.prepare"
	migrateSignIn   StepID = "migrate.sign_in"
	migrateList     StepID = "migrate.open_list"
	migrateSelect   StepID = "migrate.select_devices"
	migrateChoose   StepID = "migrate.choose_action"
	migrateService  StepID = "migrate.choose_service"
	migrateDeadline StepID = "migrate.set_deadline"
	migrateSave     StepID = "migrate.save"
	migrateReturn   StepID = "migrate.return"
)
