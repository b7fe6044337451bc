"""The texts of learning: how the models stand, a training asked for, the way back."""

TEXTS = {
    "about.ml": {
        "en": "which model acts, how it was judged, drift, and the way back",
        "bg": "кой модел действа, как е оценен, отклонение и връщане назад",
    },
    "about.ml_train": {
        "en": "train a model now; it acts only if it beats the rules on later trades",
        "bg": "обучи модел сега; действа само ако е по-добър от правилата на по-късни сделки",
    },
    "ml.none": {
        "en": "No model was trained yet; the rules decide alone.",
        "bg": "Още няма обучен модел; решават само правилата.",
    },
    "ml.rules": {
        "en": "No model acts; the rules decide alone.",
        "bg": "Никой модел не действа; решават само правилата.",
    },
    "ml.expired": {
        "en": "Model {id} has expired; the rules decide alone until one is trained.",
        "bg": "Модел {id} е изтекъл; решават само правилата до ново обучение.",
    },
    "ml.acts": {
        "en": "Model {id} acts: {verdict}. It may move a score by -20 to +10 points, weight {weight}.",
        "bg": "Действа модел {id}: {verdict}. Може да промени оценка с -20 до +10 точки, тежест {weight}.",
    },
    "ml.line": {"en": "model {id} of {when}, {n} trades: {verdict}", "bg": "модел {id} от {when}, {n} сделки: {verdict}"},
    "ml.drift": {
        "en": "Drift: PSI {psi} in {feature} (0.25 is another market).",
        "bg": "Отклонение: PSI {psi} при {feature} (0.25 е друг пазар).",
    },
    "ml.no_drift": {"en": "Drift: too little to tell.", "bg": "Отклонение: твърде малко данни."},
    "ml.kept": {
        "en": "Of {n} live predictions that ended: promised {promised}, won {won}.",
        "bg": "От {n} завършили прогнози: обещани {promised}, спечелени {won}.",
    },
    "ml.due": {"en": "A training is due.", "bg": "Време е за обучение."},
    "ml.not_due": {"en": "No training is due: {why}.", "bg": "Не е време за обучение: {why}."},
    "ml.button.back": {"en": "↩ model {id}", "bg": "↩ модел {id}"},
    "ml.button.rules": {"en": "rules alone", "bg": "само правилата"},
    "ml.back": {"en": "Model {id} acts from now on.", "bg": "Отсега действа модел {id}."},
    "ml.alone": {"en": "The rules decide alone from now on.", "bg": "Отсега решават само правилата."},
    "ml.training": {
        "en": "The training has begun, beside everything else; I will tell you what comes of it.",
        "bg": "Обучението започна, успоредно с всичко друго; ще кажа какво е излязло.",
    },
    "ml.busy": {"en": "A training is running already.", "bg": "Вече тече обучение."},
    "ml.off": {"en": "This bot does not learn here.", "bg": "Този бот не се обучава тук."},
    "ml.trained": {"en": "The training ended: {what}", "bg": "Обучението приключи: {what}"},
}
