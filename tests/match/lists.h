/* lists.h - names that made people are given: given names as they are borne, family
 * names that are none (a tree, a cloud, an example). Each row: as the file has it,
 * two other ways in which an office may write it, and the script of its own. */
#ifndef CORRIDOR_TESTS_LISTS_H
#define CORRIDOR_TESTS_LISTS_H
#include <stdbool.h>
#include <stddef.h>

enum { WRITINGS = 4, GIVEN = 12, FAMILY = 10, PLACES = 10 };

typedef struct listed {
  const char *file, *others[2], *script; /* script NULL: Latin is its own */
  bool woman;                            /* given names */
} listed;

static const char *const places[PLACES] = {"Kindia", "Labé",   "Zinder",     "Agadez", "Kayes",
                                           "Ségou",  "Tahoua", "Ziguinchor", "Kolda",  "Mamou"};

/* clang-format off */
static const listed given[WRITINGS][GIVEN] = {
  { {"Mamadou", {"Mamadu", "Momodou"}, NULL, false}, {"Aïssatou", {"Aissata", "Aisatu"}, NULL, true},
    {"Ousmane", {"Usman", "Ousman"}, NULL, false}, {"Fatoumata", {"Fatimata", "Fatou"}, NULL, true},
    {"Boubacar", {"Abubacarr", "Bubacar"}, NULL, false}, {"Kadiatou", {"Kadidiatou", "Cadiatu"}, NULL, true},
    {"Souleymane", {"Suleiman", "Sulaiman"}, NULL, false}, {"Mariama", {"Mariam", "Mariamou"}, NULL, true},
    {"Ibrahima", {"Ebrima", "Ibrahim"}, NULL, false}, {"Djénabou", {"Jenaba", "Djenaba"}, NULL, true},
    {"Abdoul Aziz", {"Abdoulaziz", "Abdulaziz"}, NULL, false}, {"N'Deye", {"Ndeye", "N’Dèye"}, NULL, true} },
  { {"Mohamed", {"Muhammad", "Mahamat"}, "محمد", false}, {"Fatima", {"Fatma", "Fatoumata"}, "فاطمة", true},
    {"Osman", {"Othman", "Ousmane"}, "عثمان", false}, {"Khadija", {"Khadidja", "Hadiza"}, "خديجة", true},
    {"Youssef", {"Yusuf", "Yousif"}, "يوسف", false}, {"Zainab", {"Zeinab", "Zeynab"}, "زينب", true},
    {"Ibrahim", {"Ibraheem", "Brahim"}, "إبراهيم", false}, {"Samira", {"Sameera", "Samirah"}, "سميرة", true},
    {"Tarek", {"Tariq", "Tarik"}, "طارق", false}, {"Nadia", {"Nadiya", "Nadyah"}, "نادية", true},
    {"Rachid", {"Rasheed", "Rashid"}, "رشيد", false}, {"Jamila", {"Djamila", "Jameela"}, "جميلة", true} },
  { {"Mikhail", {"Michail", "Mihail"}, "Михаил", false}, {"Yulia", {"Julia", "Iuliia"}, "Юлия", true},
    {"Dmitry", {"Dmitri", "Dimitrij"}, "Дмитрий", false}, {"Zhanna", {"Janna", "Žanna"}, "Жанна", true},
    {"Aleksey", {"Alexei", "Aleksej"}, "Алексей", false}, {"Tatiana", {"Tatyana", "Tatjana"}, "Татьяна", true},
    {"Shamil", {"Chamil", "Šamil"}, "Шамиль", false}, {"Zarema", {"Sarema", "Zaréma"}, "Зарема", true},
    {"Magomed", {"Mahomed", "Mohammed"}, "Магомед", false}, {"Khava", {"Hava", "Chawa"}, "Хава", true},
    {"Timur", {"Timour", "Teymur"}, "Тимур", false}, {"Larisa", {"Larissa", "Laryssa"}, "Лариса", true} },
  { {"Yohannes", {"Johannes", "Yohanis"}, "ዮሐንስ", false}, {"Almaz", {"Almas", "Elmaz"}, "አልማዝ", true},
    {"Tesfaye", {"Tesfay", "Tasfaye"}, "ተስፋዬ", false}, {"Aster", {"Ester", "Astier"}, "አስቴር", true},
    {"Berhan", {"Birhan", "Brhan"}, "ብርሃን", false}, {"Selam", {"Salam", "Sellam"}, "ሰላም", true},
    {"Kebede", {"Kabbada", "Kebbede"}, "ከበደ", false}, {"Tsehay", {"Tsehai", "Sehay"}, "ፀሐይ", true},
    {"Dawit", {"David", "Dauit"}, "ዳዊት", false}, {"Genet", {"Ghenet", "Gennet"}, "ገነት", true},
    {"Mesfin", {"Mesfen", "Mäsfin"}, "መስፍን", false}, {"Hirut", {"Hirout", "Hirute"}, "ሂሩት", true} },
};

static const listed family[WRITINGS][FAMILY] = {
  { {"Balafon", {"Balaphon", "Ballafon"}, NULL, false}, {"Harmattan", {"Harmatan", "Armattan"}, NULL, false},
    {"Karité", {"Karite", "Carité"}, NULL, false}, {"Kinkéliba", {"Kinkeliba", "Quinkéliba"}, NULL, false},
    {"Djembé", {"Jembe", "Djembey"}, NULL, false}, {"Fonio", {"Phonio", "Foniou"}, NULL, false},
    {"Baobabé", {"Baobabe", "Bawobabé"}, NULL, false}, {"Calebasse", {"Kalebasse", "Calabash"}, NULL, false},
    {"Exemplaré", {"Eksemplare", "Exemplary"}, NULL, false}, {"Modélo", {"Modelou", "Modello"}, NULL, false} },
  { {"Mithal", {"Methal", "Misal"}, "مثال", false}, {"Khayal", {"Kheyal", "Khaial"}, "خيال", false},
    {"Tajriba", {"Tadjriba", "Tejriba"}, "تجربة", false}, {"Sahab", {"Sehab", "Sahaab"}, "سحاب", false},
    {"Najma", {"Nadjma", "Nejma"}, "نجمة", false}, {"Jabal", {"Djebel", "Jebel"}, "جبل", false},
    {"Shajara", {"Chadjara", "Shadjarah"}, "شجرة", false}, {"Qalam", {"Kalam", "Qalem"}, "قلم", false},
    {"Namudhaj", {"Namoudhaj", "Namodaj"}, "نموذج", false}, {"Kitab", {"Kitaab", "Ketab"}, "كتاب", false} },
  { {"Primerov", {"Primerow", "Primeroff"}, "Примеров", false}, {"Shablonov", {"Chablonov", "Šablonov"}, "Шаблонов", false},
    {"Probnyy", {"Probny", "Probnyj"}, "Пробный", false}, {"Vymyslov", {"Vimislov", "Vymyslow"}, "Вымыслов", false},
    {"Testov", {"Testow", "Testoff"}, "Тестов", false}, {"Oblakov", {"Oblakow", "Ablakov"}, "Облаков", false},
    {"Chernilov", {"Tchernilov", "Černilov"}, "Чернилов", false}, {"Zhuravlev", {"Jouravlev", "Žuravlev"}, "Журавлев", false},
    {"Shchitov", {"Chtchitov", "Ščitov"}, "Щитов", false}, {"Tsvetov", {"Cvetov", "Tswetow"}, "Цветов", false} },
  { {"Misale", {"Missale", "Mesale"}, "ምሳሌ", false}, {"Mukera", {"Moukera", "Mukkera"}, "ሙከራ", false},
    {"Kokeb", {"Kokob", "Cokeb"}, "ኮከብ", false}, {"Demena", {"Dammana", "Demenna"}, "ደመና", false},
    {"Terara", {"Tarara", "Terrara"}, "ተራራ", false}, {"Wenz", {"Wonz", "Ouenz"}, "ወንዝ", false},
    {"Abeba", {"Ababa", "Abebba"}, "አበባ", false}, {"Bunna", {"Buna", "Bouna"}, "ቡና", false},
    {"Zinab", {"Zenab", "Zinnab"}, "ዝናብ", false}, {"Nefas", {"Nafas", "Neffas"}, "ነፋስ", false} },
};
/* clang-format on */
#endif
